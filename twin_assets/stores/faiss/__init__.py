"""The embedded index: files that are mapped, exact over one author, an IVF over all of them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from twin_assets.documents import Category
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import IndexPartition
from twin_assets.stores.faiss.files import OpenedVersion, read_version, write_version
from twin_assets.stores.faiss.verified import VerifiedVersions
from twin_assets.stores.manifest import Manifest
from twin_assets.stores.versioned import VersionedStore

if TYPE_CHECKING:  # these import FAISS, which `twin status` has no use for
    from twin_assets.stores.faiss.ivf import Ivf, IvfFolder, IvfRecord
    from twin_assets.stores.faiss.snapshot import FaissSnapshot

EXACT_BELOW = 50_000  # windows of a category that are searched exactly in a few milliseconds
_IVF = "_ivf"  # no author's slug has an underscore
_READERS = 4  # threads that compute checksums


class FaissStore(VersionedStore):
    """Vectors in the versions' own folders; no server, no pickle."""

    name = "faiss"

    def __init__(self, root: Path, exact_below: int = EXACT_BELOW) -> None:
        """Use the folder.

        Args:
            root: the folder.
            exact_below: a category with fewer windows than this needs no IVF.
        """
        super().__init__(root)
        self._root = root
        self._exact_below = exact_below
        self._verified = VerifiedVersions(self._versions)
        self._opened: dict[tuple[str, str], OpenedVersion] = {}

    @cached_property
    def _ivfs(self) -> "IvfFolder":
        from twin_assets.stores.faiss.ivf import IvfFolder

        return IvfFolder(self._root / _IVF)

    def describe(self) -> str:
        """See :meth:`VectorStore.describe`; the versions' checksums are compared when served."""
        return f"FAISS {metadata.version('faiss-cpu')} in {self._root}"

    def _write(self, partition: IndexPartition, version: str, folder: Path) -> None:
        write_version(folder, partition)

    def _erase(self, author: str, version: str | None) -> None:
        """Do nothing: a version is its folder."""

    def _rows(self, author: str) -> int:
        """Return how many rows of the author the IVFs hold."""
        return self._ivfs.rows_of(author)

    def stamp(self) -> str:
        """See :meth:`VectorStore.stamp`. It changes with the IVFs too."""
        return f"{super().stamp()} {self._ivfs.stamp()}"

    def forget(self, author: str) -> None:
        """See :meth:`VectorStore.forget`."""
        super().forget(author)
        self._ivfs.forget(author)

    def verify(self, author: str, version: str) -> None:
        """See :meth:`VectorStore.verify`. Files that are as they were are not read again."""
        self._opened[author, version] = self._open_version((author, version))

    def verify_once(self, author: str, version: str) -> None:
        """See :meth:`VectorStore.verify_once`."""
        if not self._verified.is_recorded(author, version):
            self.verify(author, version)
            self._verified.record(author, version)

    def publish(self, partition: IndexPartition) -> Manifest:
        """See :meth:`VectorStore.publish`. The checksums are of the files as they stand."""
        manifest = super().publish(partition)
        self._verified.record_published(manifest)
        return manifest

    def read(self, author: str, version: str) -> IndexPartition:
        """See :meth:`VectorStore.read`."""
        manifest = self._verified.verify(author, version)
        return read_version(self._versions.folder(author, version), manifest)

    def open(self, served: Mapping[str, str]) -> "FaissSnapshot":
        """See :meth:`VectorStore.open`. What stays served from one call to the next is kept.

        A damaged IVF is no error: it is among the snapshot's ``faults``, and search is exact.
        """
        from twin_assets.stores.faiss.snapshot import FaissSnapshot

        keys = sorted(served.items())
        with ThreadPoolExecutor(_READERS) as pool:
            ivfs = [pool.submit(self._open_ivf, category) for category in Category]
            opened = list(pool.map(self._open_version, keys))
        self._opened = dict(zip(keys, opened, strict=True))
        self._verified.keep(keys)
        found = [ivf for future in ivfs if (ivf := future.result()) is not None]
        return FaissSnapshot(
            opened,
            {ivf.record.category: ivf for ivf in found if not isinstance(ivf, str)},
            tuple(fault for fault in found if isinstance(fault, str)),
            self._exact_below,
        )

    def _open_version(self, key: tuple[str, str]) -> OpenedVersion:
        manifest = self._verified.verify(*key)
        return self._opened.get(key) or OpenedVersion(self._versions.folder(*key), manifest)

    def _open_ivf(self, category: Category) -> "Ivf | str | None":
        try:
            return self._ivfs.open(category)
        except IndexCorruptedError as error:
            return str(error)

    def build_ivf(
        self, served: Mapping[str, str], *, eight_bit: bool = False
    ) -> "dict[Category, IvfRecord]":
        """Build the IVFs of the categories that are large enough for one, and remove the others'.

        Readers use them from the next time that they open the store.

        Args:
            served: the versions to hold, as ``{author: version}``.
            eight_bit: store a byte a component instead of four. Scores stay exact.

        Raises:
            IndexCorruptedError: files of a version do not match their manifest.
            StorageError: one cannot be written; the one before stays.
        """
        records: dict[Category, IvfRecord] = {}
        for category, collection in self.open(served).collections.items():
            if collection.rows < self._exact_below:
                self._ivfs.discard(category)
            else:
                records[category] = self._ivfs.build(collection, self._is_kept, eight_bit=eight_bit)
        return records

    def _is_kept(self, author: str, version: str) -> bool:
        try:
            self._versions.manifest(author, version)
        except IndexCorruptedError:
            return False
        return True
