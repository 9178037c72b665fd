"""Searching the opened versions in Chroma."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category, Chunk, CleanedDocument
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import COLLECTIONS, Hit
from twin_assets.stores.bm25 import Bm25Index, WordMatch
from twin_assets.stores.chroma.database import ChromaDatabase
from twin_assets.stores.chroma.rows import collections_of, of_version, read_ids, read_rows
from twin_assets.stores.manifest import Manifest
from twin_assets.stores.records import (
    DOCUMENTS,
    Record,
    compared,
    first_of_each_chunk,
    record_id,
    stack,
)
from twin_assets.stores.versions import VersionFolders

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_FEW = 2000


class ChromaSnapshot:
    """A :class:`~twin_assets.stores.Snapshot` over the collections, opened in one session.

    Chroma searches a graph, and is not exact under a filter: among 20,000 clustered rows, a search
    filtered to the 3,000 of one author that stand far from the question missed 10 of 100 of its
    best ten. So one author's rows are fetched when they are first asked for, kept, and compared
    exactly, and so are those of all authors where they are few; only a search over many rows of all
    authors is left to the graph.
    """

    def __init__(
        self,
        database: ChromaDatabase,
        client: "ClientAPI",
        versions: VersionFolders,
        manifests: list[Manifest],
        bm25: Bm25Index,
    ) -> None:
        """Search the manifests' versions with the client of a session that is open now."""
        self.bm25 = bm25
        self.faults = bm25.faults
        self._database = database
        self._client = client  # the collections answer only as long as it is there
        self._collections = collections_of(client)
        for collection in self._collections.values():
            collection.get(limit=1, include=["embeddings"])  # makes it read all vectors
        self._versions = versions
        self._manifests = {manifest.author.slug: manifest for manifest in manifests}
        self._dimension = manifests[0].model.dimension if manifests else 0
        self._fetched: dict[tuple[Category, str | None], _Rows] = {}

    def document(self, chunk: Chunk) -> CleanedDocument | None:
        """See :meth:`Snapshot.document`.

        Raises:
            IndexCorruptedError: the version was removed after it was opened.
        """
        manifest = self._manifests.get(chunk.author)
        collection = self._collections.get(DOCUMENTS[chunk.category])
        if manifest is None or collection is None:
            return None
        with self._database.faults():
            found: Any = collection.get(ids=[record_id(manifest.version, chunk.document_id)])
            rows = zip(found["ids"], found["metadatas"], found["documents"], strict=True)
            for row in rows:
                return Record(*row).document
        self._check_nothing_was_removed()
        return None

    def search(
        self, vectors: Vectors, category: Category, k: int, author: str | None = None
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.search`.

        Raises:
            IndexCorruptedError: a version was removed after it was opened, or rows are missing.
            StorageError: Chroma cannot be asked.
        """
        rows = self._row_count(category, author)
        if k < 1 or not rows or not len(vectors):
            return [[] for _ in vectors]
        with self._database.faults():
            if author is not None or rows <= _FEW:
                return self._compare(vectors, category, k, author)
            return self._search_graph(vectors, category, k, rows)

    def compare(
        self, vectors: Vectors, category: Category, matches: Sequence[WordMatch]
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.compare`.

        Raises:
            IndexCorruptedError: a version was removed after it was opened, or rows are missing.
            StorageError: Chroma cannot be asked.
        """
        ids = [
            record_id(self._manifests[match.author].version, window_id)
            for match in matches
            for window_id in match.window_ids
        ]
        collection = self._collections.get(COLLECTIONS[category])
        with self._database.faults():
            records = read_ids(collection, ids) if collection else []
        hits = compared(vectors, records, matches)
        if hits is None:
            self._check_nothing_was_removed()
            raise _lacks_rows(category)
        return hits

    def _row_count(self, category: Category, author: str | None) -> int:
        chosen = (m for slug, m in self._manifests.items() if author in (None, slug))
        return sum(manifest.windows[category] for manifest in chosen)

    def _search_graph(
        self, vectors: Vectors, category: Category, k: int, rows: int
    ) -> list[list[Hit]]:
        """Ask for ever more rows until those of the opened versions belong to ``k`` chunks.

        A filter on the versions would cost Chroma a walk over every row, 50 ms for 20,000.
        """
        collection = self._collections.get(COLLECTIONS[category])
        total = collection.count() if collection else 0
        if collection is None or total < rows:
            self._check_nothing_was_removed()
            raise _lacks_rows(category)
        wanted = 2 * k * ceil(total / rows)
        while True:
            found: Any = collection.query(query_embeddings=vectors, n_results=min(wanted, total))
            columns = (found[name] for name in ("ids", "metadatas", "documents", "distances"))
            results = [
                first_of_each_chunk(self._hits(*lists), k) for lists in zip(*columns, strict=True)
            ]
            if all(len(hits) == k for hits in results):
                self._check_nothing_was_removed()
                return results
            if wanted >= total:  # there are not enough, or the graph does not lead to all
                return self._compare(vectors, category, k, None)
            wanted *= 4

    def _hits(
        self, ids: list[str], metadatas: list[Any], texts: list[Any], distances: list[float]
    ) -> Iterable[Hit]:
        for key, metadata, text, distance in zip(ids, metadatas, texts, distances, strict=True):
            if metadata and self._is_opened(metadata):
                yield Record(key, metadata, text).hit(1 - distance)

    def _is_opened(self, metadata: Mapping[str, Any]) -> bool:
        manifest = self._manifests.get(metadata["author"])
        return manifest is not None and manifest.version == metadata["version"]

    def _compare(
        self, vectors: Vectors, category: Category, k: int, author: str | None
    ) -> list[list[Hit]]:
        """Compare the questions with every row of the author, or of all."""
        rows = self._fetched.get((category, author))
        if rows is None:
            rows = self._fetched[category, author] = self._fetch(category, author)
        return [rows.best(scores, k) for scores in vectors @ rows.vectors.T]

    def _fetch(self, category: Category, author: str | None) -> "_Rows":
        if author is None:
            versions = sorted({manifest.version for manifest in self._manifests.values()})
            where: dict[str, Any] = {"version": {"$in": versions}}
        else:
            where = of_version(author, self._manifests[author].version)
        collection = self._collections.get(COLLECTIONS[category])
        found = [] if collection is None else read_rows(collection, where, vectors=True)
        rows = [row for row in found if self._is_opened(row.metadata)]
        if len(rows) != self._row_count(category, author):
            self._check_nothing_was_removed()
            raise _lacks_rows(category)
        return _Rows.of(rows, self._dimension)

    def _check_nothing_was_removed(self) -> None:
        """Of a version that is being removed while it is searched, only some rows are found."""
        for author, manifest in self._manifests.items():
            if not (self._versions.folder(author, manifest.version) / "manifest.json").is_file():
                raise IndexCorruptedError(
                    f"Index version {manifest.version} of {author} was removed while it was "
                    "searched. Ask again."
                )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Windows that questions are compared with one by one."""

    vectors: Vectors
    windows: list[tuple[Chunk, int, int]]

    @classmethod
    def of(cls, rows: list[Record], dimension: int) -> "_Rows":
        chunks: dict[str, Chunk] = {}
        windows = []
        for row in rows:
            chunk = chunks.setdefault(row.metadata["chunk_id"], row.chunk)
            windows.append((chunk, *row.span))
        return cls(stack(rows, dimension), windows)

    def best(self, scores: Vectors, k: int) -> list[Hit]:
        order = np.argsort(-scores, kind="stable").tolist()
        return first_of_each_chunk((self._hit(row, scores) for row in order), k)

    def _hit(self, row: int, scores: Vectors) -> Hit:
        chunk, start, end = self.windows[row]
        return Hit(chunk, float(scores[row]), start, end)


def _lacks_rows(category: Category) -> IndexCorruptedError:
    return IndexCorruptedError(
        f"Chroma's collection {COLLECTIONS[category]} lacks rows of what is served. "
        "Run `twin build`."
    )
