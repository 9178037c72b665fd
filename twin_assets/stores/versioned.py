"""What every index backend does alike: versions whole or not at all, and the pointer to one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Self

from twin_assets.documents import Category
from twin_assets.stores import IndexPartition, Snapshot
from twin_assets.stores.bm25 import Bm25Index
from twin_assets.stores.bm25.files import Bm25Version, write_bm25
from twin_assets.stores.manifest import Manifest, file_digest
from twin_assets.stores.versions import VersionFolders, WhyNot


class VersionedStore(ABC):
    """A :class:`~twin_assets.stores.VectorStore` whose manifests and pointers stand in a folder.

    Where the vectors are is the backend's own matter: in the version's folder, or in a database
    whose rows name the version. A version exists from the moment that its manifest does, and a row
    of no version is never read.
    """

    name: ClassVar[str]

    def __init__(self, root: Path, before: Self | None = None) -> None:
        """Use the folder for manifests, pointers, and what else the backend keeps in files.

        Args:
            root: the folder.
            before: the same store in a folder, where it was before there was a server. Nothing is
                read from it or written to it, but an author is forgotten there too.
        """
        self._versions = VersionFolders(root, self._erase)
        self._before = before

    @abstractmethod
    def describe(self) -> str:
        """See :meth:`VectorStore.describe`."""

    @abstractmethod
    def _write(self, partition: IndexPartition, version: str, folder: Path) -> None:
        """Write the version's rows, and its files into the empty folder.

        Raises:
            OSError: a file cannot be written.
            StorageError: the database cannot be written.
        """

    @abstractmethod
    def _erase(self, author: str, version: str | None) -> None:
        """Remove the rows of one version, or of all, that are not files of its folder."""

    def _rows(self, author: str) -> int:
        """Return how many rows of the author stand elsewhere than in the author's folder."""
        return 0

    @abstractmethod
    def read(self, author: str, version: str) -> IndexPartition:
        """See :meth:`VectorStore.read`."""

    @abstractmethod
    def open(self, served: Mapping[str, str]) -> Snapshot:
        """See :meth:`VectorStore.open`."""

    def _bm25(self, manifests: Sequence[Manifest]) -> Bm25Index:
        """Return the words of the versions."""
        return Bm25Index(
            [Bm25Version(self._versions.folder(m.author.slug, m.version), m) for m in manifests]
        )

    def publish(self, partition: IndexPartition) -> Manifest:
        """See :meth:`VectorStore.publish`."""

        def write(folder: Path, version: str, created_at: str) -> Manifest:
            self._write(partition, version, folder)
            write_bm25(folder, partition)
            return Manifest(
                version=version,
                created_at=created_at,
                author=partition.author,
                documents=len(partition.documents),
                chunks=len(partition.chunks),
                windows=window_counts(partition),
                model=partition.model,
                chunking=partition.chunking,
                data_version=partition.data_version,
                run_id=partition.run_id,
                upstream=tuple(partition.upstream),
                files={path.name: file_digest(path) for path in sorted(folder.iterdir())},
            )

        return self._versions.publish(partition.author.slug, partition.data_version, write)

    def authors(self) -> list[str]:
        """See :meth:`VectorStore.authors`."""
        return self._versions.pointers.authors()

    def versions(self, author: str) -> list[Manifest]:
        """See :meth:`VectorStore.versions`."""
        return self._versions.manifests(author)

    def serving(self, author: str) -> str | None:
        """See :meth:`VectorStore.serving`."""
        pointer = self._versions.pointers.read(author)
        return pointer.version if pointer else None

    def stamp(self) -> str:
        """See :meth:`VectorStore.stamp`."""
        return self._versions.pointers.stamp()

    def served_at(self, author: str, when: datetime) -> str | None:
        """See :meth:`VectorStore.served_at`."""
        pointer = self._versions.pointers.read(author)
        return pointer.at(when) if pointer else None

    def pinned_over(self, author: str) -> str | None:
        """See :meth:`VectorStore.pinned_over`."""
        pointer = self._versions.pointers.read(author)
        return pointer.pinned_over if pointer else None

    def serve(self, author: str, version: str) -> None:
        """See :meth:`VectorStore.serve`."""
        self._versions.serve(author, version)

    def roll_back(
        self, author: str, version: str | None = None, why_not: WhyNot = lambda _: None
    ) -> str:
        """See :meth:`VectorStore.roll_back`."""
        return self._versions.roll_back(author, version, why_not)

    def prune(self, author: str, keep: int) -> list[str]:
        """See :meth:`VectorStore.prune`."""
        return self._versions.prune(author, keep)

    def traces(self, author: str) -> int:
        """See :meth:`VectorStore.traces`."""
        before = self._before._rows(author) if self._before else 0
        return self._versions.traces(author) + self._rows(author) + before

    def forget(self, author: str) -> None:
        """See :meth:`VectorStore.forget`."""
        self._versions.forget(author)
        if self._before:
            self._before.forget(author)

    def verify(self, author: str, version: str) -> None:
        """See :meth:`VectorStore.verify`."""
        self._versions.verify(author, version)

    def verify_once(self, author: str, version: str) -> None:
        """See :meth:`VectorStore.verify_once`. Here it is done each time."""
        self.verify(author, version)


def window_counts(partition: IndexPartition) -> dict[Category, int]:
    """Return how many windows each category has."""
    return {category: len(rows) for category, rows in rows_by_category(partition).items()}


def rows_by_category(partition: IndexPartition) -> dict[Category, list[int]]:
    """Return the places of each category's windows, in the partition's order."""
    category_of = {chunk.chunk_id: chunk.category for chunk in partition.chunks}
    rows: dict[Category, list[int]] = {category: [] for category in Category}
    for row, window in enumerate(partition.windows):
        rows[category_of[window.chunk_id]].append(row)
    return rows
