"""The development index: Chroma, in a folder of its own or on a server."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin_assets.documents import Category
from twin_assets.stores import COLLECTIONS, IndexPartition
from twin_assets.stores.chroma.database import ChromaDatabase
from twin_assets.stores.chroma.rows import (
    collections_of,
    of_author,
    of_version,
    read_rows,
    write_rows,
)
from twin_assets.stores.chroma.snapshot import ChromaSnapshot
from twin_assets.stores.manifest import refuse_different_models
from twin_assets.stores.records import (
    DOCUMENTS,
    Record,
    assemble,
    damaged,
    digest_of,
)
from twin_assets.stores.versioned import VersionedStore

if TYPE_CHECKING:
    from chromadb import Collection

_DIGEST = "rows.sha256"


class ChromaStore(VersionedStore):
    """Rows in six Chroma collections; a version's folder holds only the digest of its rows.

    A folder suits one writer and few readers: while one publishes, others wait to open it (what
    they have open goes on answering). For more, run a server.
    """

    name = "chroma"

    def __init__(self, root: Path, url: str = "", token: str | None = None) -> None:
        """Use the folder, and the server at the URL; without one, a database in the folder."""
        local = root / "_database"  # no author's slug has an underscore
        super().__init__(root, ChromaStore(root) if url and local.is_dir() else None)
        self._database = ChromaDatabase(local, url, token)

    def describe(self) -> str:
        """See :meth:`VectorStore.describe`."""
        return self._database.describe()

    def _write(self, partition: IndexPartition, version: str, folder: Path) -> None:
        (folder / _DIGEST).write_text(digest_of(partition))
        with self._database.session(writes=True) as client:
            write_rows(client, partition, version)

    def _erase(self, author: str, version: str | None) -> None:
        where = of_version(author, version) if version else of_author(author)
        with self._database.session(writes=True) as client:
            for collection in collections_of(client).values():
                collection.delete(where=where)

    def _rows(self, author: str) -> int:
        with self._database.session() as client:
            return sum(
                len(collection.get(where=of_author(author), include=[])["ids"])
                for collection in collections_of(client).values()
            )

    def forget(self, author: str) -> None:
        """See :meth:`VectorStore.forget`."""
        super().forget(author)
        self._database.compact()

    def verify(self, author: str, version: str) -> None:
        """Compare the version's file and the number of its rows with its manifest.

        Raises:
            IndexCorruptedError: the file differs or is missing, or rows are missing.
            StorageError: Chroma cannot be asked.
        """
        manifest = self._versions.verify(author, version)
        with self._database.session() as client:
            collections = collections_of(client)
            rows = {
                name: len(collection.get(where=of_version(author, version), include=[])["ids"])
                for name, collection in collections.items()
            }
        windows = {category: rows.get(name, 0) for category, name in COLLECTIONS.items()}
        documents = sum(rows.get(name, 0) for name in DOCUMENTS.values())
        if windows != dict(manifest.windows) or documents != manifest.documents:
            raise damaged(manifest)

    def read(self, author: str, version: str) -> IndexPartition:
        """See :meth:`VectorStore.read`. The digest of what was read is compared as well."""
        manifest = self._versions.verify(author, version)
        where = of_version(author, version)
        with self._database.session() as client:
            collections = collections_of(client)
            partition = assemble(
                manifest,
                _read(collections, COLLECTIONS, where),
                _read(collections, DOCUMENTS, where),
            )
        digest = (self._versions.folder(author, version) / _DIGEST).read_text()
        if digest_of(partition) != digest:
            raise damaged(manifest)
        return partition

    def open(self, served: Mapping[str, str]) -> "ChromaSnapshot":
        """See :meth:`VectorStore.open`.

        Raises:
            IndexCorruptedError: a manifest or rows are missing, or the versions come from models
                that cannot be compared.
            StorageError: Chroma cannot be asked.
        """
        manifests = [self._versions.verify(*key) for key in sorted(served.items())]
        refuse_different_models(manifests)
        with self._database.session() as client:
            bm25 = self._bm25(manifests)
            return ChromaSnapshot(self._database, client, self._versions, manifests, bm25)


def _read(
    collections: Mapping[str, "Collection"], names: Mapping[Category, str], where: Mapping[str, Any]
) -> Iterator[Record]:
    """Yield the records of the named collections, with their vectors."""
    for name in names.values():
        if name in collections:
            yield from read_rows(collections[name], where, vectors=True)
