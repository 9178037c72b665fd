"""The embedded index: FAISS over one matrix a category, each author's rows standing together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from twin_assets.artifacts import Vectors, read_rows, write_rows
from twin_assets.documents import Category, Chunk, CleanedDocument, Window
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import COLLECTIONS, Hit, IndexPartition
from twin_assets.stores.manifest import VersionFolders
from twin_assets.stores.versioned import VersionedStore, rows_by_category

_DOCUMENTS = "documents.parquet"
_CHUNKS = "chunks.parquet"


class FaissStore(VersionedStore):
    """Vectors in the versions' own folders; no server, no pickle.

    A version holds, for each category, ``<collection>.npy`` (float32, one row a window) and
    ``<collection>.parquet`` (the windows, in the rows' order), beside the chunks and documents.
    """

    name = "faiss"

    def __init__(self, root: Path) -> None:
        """Use the folder."""
        super().__init__(root)
        self._loaded: dict[tuple[str, str], _Loaded] = {}

    def _write(self, partition: IndexPartition, version: str, folder: Path) -> None:
        write_rows(folder / _DOCUMENTS, CleanedDocument, partition.documents)
        write_rows(folder / _CHUNKS, Chunk, partition.chunks)
        for category, selected in rows_by_category(partition).items():
            name = COLLECTIONS[category]
            write_rows(folder / f"{name}.parquet", Window, [partition.windows[r] for r in selected])
            np.save(folder / f"{name}.npy", partition.vectors[selected], allow_pickle=False)

    def _erase(self, author: str, version: str | None) -> None:
        """Do nothing: a version is its folder."""

    def read(self, author: str, version: str) -> IndexPartition:
        """See :meth:`VectorStore.read`."""
        loaded = _Loaded(self._versions, author, version)
        manifest = loaded.manifest
        return IndexPartition(
            author=manifest.author,
            documents=loaded.documents,
            chunks=loaded.chunks,
            windows=[window for category in Category for window in loaded.windows(category)],
            vectors=np.concatenate([loaded.vectors(category) for category in Category]),
            model=manifest.model,
            chunking=manifest.chunking,
            data_version=manifest.data_version,
            run_id=manifest.run_id,
            upstream=manifest.upstream,
        )

    def open(self, served: Mapping[str, str]) -> "FaissSnapshot":
        """See :meth:`VectorStore.open`. What stays served from one call to the next is kept."""
        keys = sorted(served.items())
        self._loaded = {key: self._loaded.get(key) or _Loaded(self._versions, *key) for key in keys}
        return FaissSnapshot([self._loaded[key] for key in keys])


class _Loaded:
    """One version's files, verified against their checksums and read when they are needed."""

    def __init__(self, versions: VersionFolders, author: str, version: str) -> None:
        self.author = author
        self.manifest = versions.verify(author, version)
        self._folder = versions.folder(author, version)

    @cached_property
    def documents(self) -> list[CleanedDocument]:
        return read_rows(self._folder / _DOCUMENTS, CleanedDocument)

    @cached_property
    def chunks(self) -> list[Chunk]:
        return read_rows(self._folder / _CHUNKS, Chunk)

    def windows(self, category: Category) -> list[Window]:
        return read_rows(self._folder / f"{COLLECTIONS[category]}.parquet", Window)

    def vectors(self, category: Category) -> Vectors:
        path = self._folder / f"{COLLECTIONS[category]}.npy"
        try:
            array: Vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise IndexCorruptedError(
                f"{path} cannot be read: {error}. "
                f"Run `twin build --author {self.author}` to make a new version."
            ) from error
        return array


@dataclass(frozen=True, slots=True)
class _Collection:
    """A category's windows of all served authors, rows grouped by author."""

    index: faiss.IndexFlatIP
    rows_of: Mapping[str, tuple[int, int]]
    chunk_of_row: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]


class FaissSnapshot:
    """A :class:`~twin_assets.stores.Snapshot` held in memory."""

    def __init__(self, partitions: list[_Loaded]) -> None:
        """Put the partitions' rows together.

        Raises:
            IndexCorruptedError: the partitions come from models that cannot be compared.
        """
        models = {(p.manifest.model.weights_sha256, p.manifest.model.dimension) for p in partitions}
        if len(models) > 1:
            raise IndexCorruptedError(
                "The served index versions come from different embedding models. "
                "Run `twin build` so that all come from the configured one."
            )
        self._dimension = next(iter(models))[1] if models else 1
        self._chunks = [chunk for partition in partitions for chunk in partition.chunks]
        self._documents = {
            document.document_id: document
            for partition in partitions
            for document in partition.documents
        }
        position = {chunk.chunk_id: at for at, chunk in enumerate(self._chunks)}
        self._collections = {
            category: self._collect(category, partitions, position) for category in Category
        }

    def _collect(
        self, category: Category, partitions: list[_Loaded], position: Mapping[str, int]
    ) -> _Collection:
        index = faiss.IndexFlatIP(self._dimension)
        rows_of: dict[str, tuple[int, int]] = {}
        windows: list[Window] = []
        for partition in partitions:
            first = index.ntotal
            index.add(np.ascontiguousarray(partition.vectors(category)))
            rows_of[partition.author] = (first, index.ntotal)
            windows += partition.windows(category)
        chunk_of_row = np.array([position[window.chunk_id] for window in windows], dtype=np.int64)
        spans = np.array([(window.start, window.end) for window in windows], dtype=np.int64)
        return _Collection(index, rows_of, chunk_of_row, spans)

    def document(self, chunk: Chunk) -> CleanedDocument | None:
        """See :meth:`Snapshot.document`."""
        return self._documents.get(chunk.document_id)

    def search(
        self, vectors: Vectors, category: Category, k: int, author: str | None = None
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.search`."""
        collection = self._collections[category]
        first, last = 0, collection.index.ntotal
        if author is not None:
            first, last = collection.rows_of.get(author, (0, 0))
        if first == last or k < 1:
            return [[] for _ in vectors]
        return [
            self._search_one(collection, vector[np.newaxis], k, first, last) for vector in vectors
        ]

    def _search_one(
        self, collection: _Collection, vector: Vectors, k: int, first: int, last: int
    ) -> list[Hit]:
        """Search ever more windows until they belong to ``k`` chunks, or there are no more."""
        selector = faiss.IDSelectorRange(first, last)
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        wanted = min(2 * k, last - first)
        while True:
            scores, rows = collection.index.search(vector, wanted, params=parameters)
            best: dict[int, tuple[float, int]] = {}
            for score, row in zip(scores[0].tolist(), rows[0].tolist(), strict=True):
                best.setdefault(int(collection.chunk_of_row[row]), (score, row))
            if len(best) >= k or wanted == last - first:
                break
            wanted = min(4 * wanted, last - first)
        return [
            Hit(self._chunks[chunk], score, *collection.spans[row].tolist())
            for chunk, (score, row) in list(best.items())[:k]
        ]
