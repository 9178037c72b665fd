"""Searching the opened versions in Qdrant."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category, Chunk, CleanedDocument
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import COLLECTIONS, Hit
from twin_assets.stores.bm25 import Bm25Index, WordMatch
from twin_assets.stores.manifest import Manifest
from twin_assets.stores.qdrant.database import QdrantDatabase
from twin_assets.stores.qdrant.rows import matching, record_of
from twin_assets.stores.records import DOCUMENTS, compared, first_of_each_chunk, record_id
from twin_assets.stores.versions import VersionFolders

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_WINDOWS_A_CHUNK = 4  # asked for at first, for each chunk that is wanted


class QdrantSnapshot:
    """A :class:`~twin_assets.stores.Snapshot` over the collections.

    One author's rows are searched exactly; a search over all authors is left to the server's graph,
    whose scores are exact.
    """

    def __init__(
        self,
        database: QdrantDatabase,
        client: "QdrantClient",
        versions: VersionFolders,
        manifests: Sequence[Manifest],
        bm25: Bm25Index,
    ) -> None:
        """Search the manifests' versions."""
        self.bm25 = bm25
        self.faults = bm25.faults
        self._database = database
        self._client = client
        self._versions = versions
        self._manifests = {manifest.author.slug: manifest for manifest in manifests}

    def document(self, chunk: Chunk) -> CleanedDocument | None:
        """See :meth:`Snapshot.document`.

        Raises:
            IndexCorruptedError: the version was removed after it was opened.
            StorageError: Qdrant cannot be asked.
        """
        manifest = self._manifests.get(chunk.author)
        if manifest is None:
            return None
        with self._database.faults():
            found = self._client.retrieve(
                DOCUMENTS[chunk.category], [record_id(manifest.version, chunk.document_id)]
            )
            for point in found:
                return record_of(point).document
        self._check_nothing_was_removed([manifest])
        return None

    def search(
        self, vectors: Vectors, category: Category, k: int, author: str | None = None
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.search`.

        Raises:
            IndexCorruptedError: a version was removed after it was opened, or rows are missing.
            StorageError: Qdrant cannot be asked.
        """
        manifests = [m for slug, m in self._manifests.items() if author in (None, slug)]
        rows = sum(manifest.windows[category] for manifest in manifests)
        found: list[list[Hit]] = [[] for _ in vectors]
        pending = list(range(len(vectors))) if rows and k > 0 else []
        wanted = min(_WINDOWS_A_CHUNK * k, rows)
        while pending:
            exact = author is not None or wanted == rows
            with self._database.faults():
                results = self._ask(vectors[pending], category, manifests, wanted, exact=exact)
                for place, points in zip(pending, results, strict=True):
                    hits = (record_of(point).hit(point.score) for point in points)
                    found[place] = first_of_each_chunk(hits, k)
            self._check_nothing_was_removed(manifests)
            if exact and any(len(points) < wanted for points in results):
                raise _lacks_rows(category)
            pending = [place for place in pending if len(found[place]) < k]
            if wanted == rows:
                break
            wanted = min(4 * wanted, rows)
        return found

    def compare(
        self, vectors: Vectors, category: Category, matches: Sequence[WordMatch]
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.compare`.

        Raises:
            IndexCorruptedError: a version was removed after it was opened, or rows are missing.
            StorageError: Qdrant cannot be asked.
        """
        ids = [
            record_id(self._manifests[match.author].version, window_id)
            for match in matches
            for window_id in match.window_ids
        ]
        with self._database.faults():
            points = self._client.retrieve(COLLECTIONS[category], ids, with_vectors=True)
            records = [record_of(point) for point in points]
        hits = compared(vectors, records, matches)
        if hits is None:
            self._check_nothing_was_removed([self._manifests[m.author] for m in matches])
            raise _lacks_rows(category)
        return hits

    def _ask(
        self,
        vectors: Vectors,
        category: Category,
        manifests: Sequence[Manifest],
        wanted: int,
        *,
        exact: bool,
    ) -> "list[list[models.ScoredPoint]]":
        """Return for each vector the nearest windows of the manifests' versions, best first."""
        from qdrant_client import models

        where = matching(version=sorted({manifest.version for manifest in manifests}))
        if len(manifests) == 1:
            where = matching(author=manifests[0].author.slug, version=manifests[0].version)
        # Local mode always compares with every row, and warns when it is told to.
        params = models.SearchParams(exact=True) if exact and self._database.is_server else None
        requests = [
            models.QueryRequest(
                query=vector, filter=where, params=params, limit=wanted, with_payload=True
            )
            for vector in vectors.tolist()
        ]
        responses = self._client.query_batch_points(COLLECTIONS[category], requests)
        return [response.points for response in responses]

    def _check_nothing_was_removed(self, manifests: Iterable[Manifest]) -> None:
        """Of a version that is being removed while it is searched, only some rows are found."""
        if not self._database.is_server:  # what is searched is a copy
            return
        for manifest in manifests:
            author, version = manifest.author.slug, manifest.version
            if not (self._versions.folder(author, version) / "manifest.json").is_file():
                raise IndexCorruptedError(
                    f"Index version {version} of {author} was removed while it was searched. "
                    "Ask again."
                )


def _lacks_rows(category: Category) -> IndexCorruptedError:
    return IndexCorruptedError(
        f"Qdrant's collection {COLLECTIONS[category]} lacks rows of what is served. "
        "Run `twin build`."
    )
