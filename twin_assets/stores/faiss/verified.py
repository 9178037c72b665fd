"""A version's files are compared with their checksums once, not at each question."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from twin_assets.stores.manifest import Manifest
from twin_assets.stores.versions import VersionFolders

FileState = tuple[int, int, int, int]
_State = list[tuple[str, str, FileState]]

_RECORD = ".verified.json"  # in the version's folder


class VerifiedVersions:
    """Remembers which versions matched their checksums, and how their files stood then.

    A process forgets it at its end. What it leaves on record spares the next one to read every
    file of a thousand authors, where it is only to be seen whether any was touched.
    """

    def __init__(self, versions: VersionFolders) -> None:
        """Remember nothing yet."""
        self._versions = versions
        self._states: dict[tuple[str, str], _State] = {}

    def verify(self, author: str, version: str) -> Manifest:
        """Return the version's manifest, its files read only if they may have changed.

        Raises:
            IndexCorruptedError: a file is missing or differs.
        """
        manifest = self._versions.manifest(author, version)
        state = self._state(manifest)
        if state is None or self._states.get((author, version)) != state:
            self._versions.compare(manifest)  # it says which file is missing
        if state is not None:
            self._states[author, version] = state
        return manifest

    def is_recorded(self, author: str, version: str) -> bool:
        """Tell whether the files stand as they did when some process had verified them.

        Raises:
            IndexCorruptedError: the version has no readable manifest.
        """
        state = self._state(self._versions.manifest(author, version))
        try:
            recorded = (self._versions.folder(author, version) / _RECORD).read_bytes()
        except OSError:
            return False
        return state is not None and recorded == _written(state)

    def record(self, author: str, version: str) -> None:
        """Leave on record how the files stood when they were verified."""
        if state := self._states.get((author, version)):
            self._write(author, version, state)

    def record_published(self, manifest: Manifest) -> None:
        """Leave on record how the files stand that the manifest was just made from."""
        if state := self._state(manifest):
            self._write(manifest.author.slug, manifest.version, state)

    def _write(self, author: str, version: str, state: _State) -> None:
        path = self._versions.folder(author, version) / _RECORD
        temporary = path.with_name(f"{_RECORD}.{token_hex(4)}.tmp")
        with suppress(OSError):  # where nothing can be written, all is read again
            temporary.write_bytes(_written(state))
            temporary.replace(path)

    def keep(self, versions: Iterable[tuple[str, str]]) -> None:
        """Forget every version but these, each ``(author, version)``."""
        self._states = {key: self._states[key] for key in versions if key in self._states}

    def _state(self, manifest: Manifest) -> _State | None:
        """Return how the version's files stand; None where one is missing."""
        folder = self._versions.folder(manifest.author.slug, manifest.version)
        try:
            return [
                (name, digest, file_state(f"{folder}/{name}"))
                for name, digest in manifest.files.items()
            ]
        except OSError:
            return None


def _written(state: _State) -> bytes:
    return json.dumps(state).encode()


def file_state(path: Path | str) -> FileState:
    """Return what differs after any write to the file, or its replacement.

    Raises:
        OSError: it is missing.
    """
    stat = os.stat(path)  # noqa: PTH116 - thousands of paths are looked at
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
