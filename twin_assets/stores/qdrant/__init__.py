"""The production index: Qdrant, on a server or, to try it out, in a folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin_assets.stores import COLLECTIONS, IndexPartition
from twin_assets.stores.manifest import Manifest, refuse_different_models
from twin_assets.stores.qdrant.database import QdrantDatabase, QdrantFolder, QdrantServer
from twin_assets.stores.qdrant.rows import (
    count_rows,
    erase_rows,
    matching,
    prepare,
    read_rows,
    write_rows,
)
from twin_assets.stores.qdrant.snapshot import QdrantSnapshot
from twin_assets.stores.records import (
    DOCUMENTS,
    assemble,
    damaged,
    digest_of,
)
from twin_assets.stores.versioned import VersionedStore

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_DIGEST = "rows.sha256"


class QdrantStore(VersionedStore):
    """Rows in six Qdrant collections; a version's folder holds only the digest of their texts.

    A server is what this is for. Without one, the client's local mode keeps the rows in a folder:
    enough to try Qdrant out with a few ten thousand windows. It compares a question with every
    window, a process that searches holds all of them in memory, a second writer waits for the
    first, and some 3 ms go by for each row that is written.
    """

    name = "qdrant"

    def __init__(
        self, root: Path, url: str = "", api_key: str | None = None, *, grpc: bool = False
    ) -> None:
        """Use the folder, and the server at the URL; without one, a database in the folder.

        Args:
            root: the folder.
            url: the server's address, as ``http://host:6333``.
            api_key: the server's key.
            grpc: whether to talk gRPC (port 6334) to the server, not REST.
        """
        local = root / "_local"  # no author's slug has an underscore
        super().__init__(root, QdrantStore(root) if url and local.is_dir() else None)
        self._database: QdrantDatabase = (
            QdrantServer(url, api_key, grpc=grpc) if url else QdrantFolder(local)
        )
        self._verified: set[tuple[str, str]] = set()

    def describe(self) -> str:
        """See :meth:`VectorStore.describe`."""
        return self._database.describe()

    def _write(self, partition: IndexPartition, version: str, folder: Path) -> None:
        (folder / _DIGEST).write_text(digest_of(partition, vectors=False))
        with self._database.writer() as client:
            prepare(client, partition.model.dimension, indexed=self._database.is_server)
            write_rows(client, partition, version)

    def _erase(self, author: str, version: str | None) -> None:
        self._verified = {key for key in self._verified if key[0] != author}
        with self._database.writer() as client:
            erase_rows(client, matching(author=author, **({"version": version} if version else {})))

    def _rows(self, author: str) -> int:
        client = self._database.reader()
        with self._database.faults():
            return sum(count_rows(client, matching(author=author)).values())

    def verify(self, author: str, version: str) -> None:
        """Compare the version's file, and the number of its rows, with its manifest.

        Rows that were counted once are not counted again, until some are found missing.

        Raises:
            IndexCorruptedError: the file differs or is missing, or rows are missing.
            StorageError: Qdrant cannot be asked.
        """
        manifest = self._versions.verify(author, version)
        if (author, version) not in self._verified:
            self._count(manifest)
            self._verified.add((author, version))

    def _count(self, manifest: Manifest) -> None:
        client = self._database.reader()
        where = matching(author=manifest.author.slug, version=manifest.version)
        with self._database.faults():
            rows = count_rows(client, where)
        if not _agree(rows, [manifest]):
            raise damaged(manifest)

    def read(self, author: str, version: str) -> IndexPartition:
        """See :meth:`VectorStore.read`. The digest of the texts is compared as well.

        Raises:
            IndexCorruptedError: the rows do not match the manifest.
            StorageError: Qdrant cannot be asked.
        """
        manifest = self._versions.verify(author, version)
        client = self._database.reader()
        where = matching(author=author, version=version)
        with self._database.faults():
            partition = assemble(
                manifest,
                read_rows(client, COLLECTIONS.values(), where, vectors=True),
                read_rows(client, DOCUMENTS.values(), where, vectors=False),
            )
        kept = (self._versions.folder(author, version) / _DIGEST).read_text()
        if digest_of(partition, vectors=False) != kept:
            raise damaged(manifest)
        return partition

    def open(self, served: Mapping[str, str]) -> QdrantSnapshot:
        """See :meth:`VectorStore.open`.

        Raises:
            IndexCorruptedError: a manifest or rows are missing, or the versions come from models
                that cannot be compared.
            StorageError: Qdrant cannot be asked.
        """
        client = self._database.reader()  # first: of a version with a manifest, it has every row
        manifests = [self._versions.verify(*key) for key in sorted(served.items())]
        refuse_different_models(manifests)
        if manifests:
            self._count_together(client, manifests)
        bm25 = self._bm25(manifests)
        return QdrantSnapshot(self._database, client, self._versions, manifests, bm25)

    def _count_together(self, client: "QdrantClient", manifests: Sequence[Manifest]) -> None:
        """Count all authors' rows in one request a collection, and one by one if any is missing."""
        with self._database.faults():
            rows = count_rows(client, matching(version=[m.version for m in manifests]))
        if not _agree(rows, manifests):
            self._verified.clear()
            for manifest in manifests:
                self._count(manifest)


def _agree(rows: Counter[str], manifests: Sequence[Manifest]) -> bool:
    """Tell whether there are as many rows as the manifests say."""
    windows = {
        name: sum(manifest.windows[category] for manifest in manifests)
        for category, name in COLLECTIONS.items()
    }
    documents = sum(manifest.documents for manifest in manifests)
    return (
        windows == {name: rows[name] for name in windows}
        and sum(rows[name] for name in DOCUMENTS.values()) == documents
    )
