"""Versions of an index partition on disk: whole or not at all, and one of them served.

::

    <root>/<author>/versions/<version>/...            complete once manifest.json is there
    <root>/<author>/versions/<version>/manifest.json  renamed into place last

The pointers beside them are :mod:`twin_assets.stores.pointers`.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from twin_assets.errors import BadInputError, IndexCorruptedError, StorageError
from twin_assets.files import replacing, sync_file, sync_folder
from twin_assets.stores.manifest import FORMAT, Manifest, file_digest
from twin_assets.stores.pointers import Pointers

_MANIFEST = "manifest.json"
_ADAPTER = TypeAdapter(Manifest)

Erase = Callable[[str, str | None], None]
WhyNot = Callable[[str], str | None]


class VersionFolders:
    """The versions of every author below one folder."""

    def __init__(self, root: Path, erase: Erase = lambda author, version: None) -> None:
        """Use the folder; it is made by the first publish.

        Args:
            root: the folder.
            erase: called with an author and a version, or None for all, before the folder of the
                version goes; it removes what stands elsewhere.
        """
        self.pointers = Pointers(root)
        self._root = root
        self._erase = erase

    def folder(self, author: str, version: str) -> Path:
        """Return the version's folder."""
        return self._root / f"{author}/versions/{version}"

    def publish(
        self, author: str, data_version: str, write: Callable[[Path, str, str], Manifest]
    ) -> Manifest:
        """Make a new version.

        Args:
            author: the partition's key.
            data_version: ends up in the version's name, for the reader's eye.
            write: called with an empty folder, the version's name and its time; it writes the files
                and returns the manifest.

        Raises:
            StorageError: something could not be written. The folder without a manifest that is left
                behind is no version, and the next publish removes it.
        """
        try:
            (self._root / author).mkdir(parents=True, exist_ok=True)
            with self._lock(author):
                self._remove_unfinished(author)
                now = datetime.now(UTC)
                version = f"{now:%Y%m%dT%H%M%S.%f}"[:-3] + f"Z-{data_version[:8]}"
                folder = self.folder(author, version)
                folder.mkdir(parents=True)
                manifest = write(folder, version, now.isoformat(timespec="milliseconds"))
                for path in folder.iterdir():
                    sync_file(path)
                sync_folder(folder)
                with replacing(folder / _MANIFEST) as temporary:
                    temporary.write_bytes(_ADAPTER.dump_json(manifest, indent=2))
                for parent in (folder.parent, self._root / author, self._root):
                    sync_folder(parent)  # the first publish has made them
        except OSError as error:
            raise StorageError(
                f"The index version of {author} cannot be written: {error}. The version before "
                "stays. Check the rights and free space of TWIN_HOME, and build again."
            ) from error
        return manifest

    @contextmanager
    def _lock(self, author: str) -> Iterator[None]:
        """Let one at a time change the author's versions and pointer, in whichever process.

        Nothing is locked, and no folder made, for an author who has none.

        Raises:
            StorageError: the lock cannot be had.
        """
        folder = self._root / author
        if not folder.is_dir():
            yield
            return
        with ExitStack() as stack:
            try:
                file = stack.enter_context((folder / ".lock").open("w"))
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                raise StorageError(
                    f"The index of {author} cannot be locked: {error}. Check the rights of "
                    "TWIN_HOME."
                ) from error
            yield

    def _remove_unfinished(self, author: str) -> None:
        for folder in self._version_folders(author):
            if not (folder / _MANIFEST).is_file():
                self._erase(author, folder.name)
                shutil.rmtree(folder)

    def _version_folders(self, author: str) -> list[Path]:
        return sorted((self._root / author / "versions").glob("*/"), reverse=True)

    def manifests(self, author: str) -> list[Manifest]:
        """Return the author's readable versions, newest first."""
        found = []
        for folder in self._version_folders(author):
            try:
                found.append(self.manifest(author, folder.name))
            except IndexCorruptedError:
                continue
        return found

    def manifest(self, author: str, version: str) -> Manifest:
        """Return the version's manifest.

        Raises:
            IndexCorruptedError: it is missing, unreadable, another version's or in a format that
                is not read.
        """
        path = self.folder(author, version) / _MANIFEST
        try:
            manifest = _ADAPTER.validate_json(path.read_bytes())
        except (OSError, ValidationError):
            manifest = None
        if manifest is not None and manifest.format != FORMAT:
            raise IndexCorruptedError(
                f"Index version {version} of {author} is of format {manifest.format}, and this "
                f"Twin reads {FORMAT}. {_repair(author)}"
            )
        if manifest is None or (manifest.author.slug, manifest.version) != (author, version):
            raise IndexCorruptedError(
                f"Index version {version} of {author} has no readable manifest. {_repair(author)}"
            )
        return manifest

    def serve(self, author: str, version: str) -> None:
        """Move the serving pointer by one rename.

        Raises:
            BadInputError: there is no such version.
            StorageError: as of :meth:`Pointers.move`.
        """
        with self._lock(author):
            self._require(author, version)
            self.pointers.move(author, version, pinned_over=None)

    def roll_back(
        self, author: str, version: str | None = None, why_not: WhyNot = lambda _: None
    ) -> str:
        """Move the serving pointer to an earlier version, and return that.

        Args:
            author: the partition's key.
            version: the version to go back to; None for the one before the served one.
            why_not: called with a version, says why it may not be served, if it may not.

        Raises:
            BadInputError: there is no such version, or no earlier one, or it may not be served.
            StorageError: as of :meth:`Pointers.move`.
        """
        with self._lock(author):
            names = [manifest.version for manifest in self.manifests(author)]
            pointer = self.pointers.read(author)
            if pointer is None or not names:
                raise BadInputError(f"No index version of {author} is served; see `twin status`.")
            earlier = (name for name in names if name < pointer.version and not why_not(name))
            chosen = version or next(earlier, None)
            if chosen is None:
                raise BadInputError(
                    f"{author} has no index version before {pointer.version} that may be served; "
                    "see `twin status`."
                )
            self._require(author, chosen)
            if version is not None and (reason := why_not(version)):
                raise BadInputError(f"Version {version} of {author} may not be served: {reason}")
            newest = names[0]
            self.pointers.move(author, chosen, None if chosen == newest else newest)
        return chosen

    def _require(self, author: str, version: str) -> None:
        try:
            self.manifest(author, version)
        except IndexCorruptedError:
            raise BadInputError(
                f"{author} has no index version {version}; see `twin status`."
            ) from None

    def traces(self, author: str) -> int:
        """Return how many files and folders the author has."""
        folder = self._root / author
        return len([folder, *folder.rglob("*")]) if folder.exists() else 0

    def forget(self, author: str) -> None:
        """Remove everything of the author: the pointer first, so that nothing is served.

        Raises:
            StorageError: something cannot be removed.
        """
        folder = self._root / author
        try:
            with self._lock(author):
                self.pointers.remove(author)
                self._erase(author, None)
                if folder.is_dir():
                    shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(
                f"The index of {author} cannot be removed: {error}. Check the rights of TWIN_HOME, "
                "and run it again."
            ) from error

    def prune(self, author: str, keep: int) -> list[str]:
        """Remove versions beyond the newest ``keep``, never the served one; return their names.

        Older ones without a readable manifest go too: nobody can go back to them.

        Raises:
            StorageError: one cannot be removed; no version that stays is touched.
        """
        try:
            with self._lock(author):
                pointer = self.pointers.read(author)
                served = pointer.version if pointer else None
                readable = [manifest.version for manifest in self.manifests(author)]
                kept, newest = {*readable[:keep], served}, max(readable, default="")
                folders = [folder.name for folder in self._version_folders(author)]
                old = [name for name in folders if name not in kept and name < newest]
                for version in old:
                    folder = self.folder(author, version)
                    (folder / _MANIFEST).unlink(missing_ok=True)  # from here on it is no version
                    self._erase(author, version)
                    shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(
                f"An old index version of {author} cannot be removed: {error}. "
                "The served one is as it was. Check the rights of TWIN_HOME."
            ) from error
        return old

    def verify(self, author: str, version: str) -> Manifest:
        """Compare every file with the manifest's digest, and return the manifest.

        Raises:
            IndexCorruptedError: a file is missing or differs.
        """
        manifest = self.manifest(author, version)
        self.compare(manifest)
        return manifest

    def compare(self, manifest: Manifest) -> None:
        """Compare every file of the version with its digest in the manifest.

        Raises:
            IndexCorruptedError: a file is missing or differs.
        """
        author, version = manifest.author.slug, manifest.version
        folder = self.folder(author, version)
        for name, expected in manifest.files.items():
            try:
                actual = file_digest(folder / name)
            except OSError:
                actual = "missing"
            if actual != expected:
                raise IndexCorruptedError(
                    f"{name} in index version {version} of {author} does not match its checksum. "
                    f"{_repair(author)}"
                )


def _repair(author: str) -> str:
    return f"Run `twin build --author {author}` to make a new version."
