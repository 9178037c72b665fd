"""A version's files are compared with their checksums once, not at each question."""

from collections.abc import Iterable
from pathlib import Path

from twin_assets.stores.manifest import Manifest
from twin_assets.stores.versions import VersionFolders

FileState = tuple[int, int, int, int]


class VerifiedVersions:
    """Remembers which versions matched their checksums, and how their files stood then."""

    def __init__(self, versions: VersionFolders) -> None:
        """Remember nothing yet."""
        self._versions = versions
        self._states: dict[tuple[str, str], tuple[tuple[str, str, FileState], ...]] = {}

    def verify(self, author: str, version: str) -> Manifest:
        """Return the version's manifest, its files read only if they may have changed.

        Raises:
            IndexCorruptedError: a file is missing or differs.
        """
        manifest = self._versions.manifest(author, version)
        folder = self._versions.folder(author, version)
        try:
            state = tuple(
                (name, digest, file_state(folder / name)) for name, digest in manifest.files.items()
            )
        except OSError:
            return self._versions.verify(author, version)  # it says which file is missing
        if self._states.get((author, version)) != state:
            self._versions.compare(manifest)
            self._states[author, version] = state
        return manifest

    def keep(self, versions: Iterable[tuple[str, str]]) -> None:
        """Forget every version but these, each ``(author, version)``."""
        self._states = {key: self._states[key] for key in versions if key in self._states}


def file_state(path: Path) -> FileState:
    """Return what differs after any write to the file, or its replacement.

    Raises:
        OSError: it is missing.
    """
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
