"""Other ways to search the same vectors, used directly, each with its defaults."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from clustered import DIMENSION, WINDOWS, Corpus, Question, chunk_in, chunks_of_rows

from twin_assets.artifacts import Vectors

K = 10
_BATCH = 1000

Search = Callable[[Vectors, int | None], list[int]]
"""Returns the numbers of the chunks near a vector, of one author where one is given."""


def flat_index(corpus: Corpus) -> faiss.IndexFlatIP:
    """Return every vector in one flat index."""
    index = faiss.IndexFlatIP(DIMENSION)
    for author in range(len(corpus.authors)):
        index.add(corpus.vectors(author))
    return index


def search_then_filter(index: faiss.IndexFlatIP) -> Search:
    """Search 50 rows of all authors and drop the others' afterwards; texts are not fetched."""

    def search(vector: Vectors, author: int | None) -> list[int]:
        _, rows = index.search(vector, 50)
        kept = [row for row in rows[0].tolist() if author in (None, row // WINDOWS)]
        return chunks_of_rows(kept, K)

    return search


def truth(index: faiss.IndexFlatIP, questions: Sequence[Question], *, filtered: bool) -> Any:
    """Return the chunks that are truly nearest each question."""
    vectors = np.concatenate([question.vector for question in questions])
    if not filtered:
        _, rows = index.search(vectors, 8 * K)
        return [chunks_of_rows(row, K) for row in rows.tolist()]
    stored = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * DIMENSION).reshape(-1, DIMENSION)
    nearest = []
    for question in questions:
        first = question.author * WINDOWS
        scores = stored[first : first + WINDOWS] @ question.vector[0]
        nearest.append(chunks_of_rows((first + np.argsort(-scores)).tolist(), K))
    return nearest


def langchain_store(corpus: Corpus, folder: Path) -> Search:
    """LangChain's FAISS store with its filter; ``folder`` is not used.

    Raises:
        ImportError: langchain-community is not installed.
    """
    from langchain_community.vectorstores import FAISS  # type: ignore[import-not-found]
    from langchain_community.vectorstores.utils import (  # type: ignore[import-not-found]
        DistanceStrategy,
    )

    texts, vectors, metadatas = _everything(corpus)
    store = FAISS.from_embeddings(
        zip(texts, vectors.tolist(), strict=True),
        lambda text: [],
        metadatas=metadatas,
        distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
    )

    def search(vector: Vectors, author: int | None) -> list[int]:
        only = None if author is None else {"author": corpus.authors[author]}
        found = store.similarity_search_by_vector(vector[0].tolist(), k=2 * K, filter=only)
        return _first_chunks([document.page_content for document in found])

    return search


def chroma_local(corpus: Corpus, folder: Path) -> Search:
    """Chroma's embedded client with its own index."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        "bench", metadata={"hnsw:space": "ip"}, embedding_function=None
    )
    texts, vectors, metadatas = _everything(corpus)
    for first in range(0, len(texts), _BATCH):
        batch = slice(first, first + _BATCH)
        collection.add(
            ids=[str(row) for row in range(first, first + len(texts[batch]))],
            embeddings=vectors[batch],
            metadatas=metadatas[batch],
            documents=texts[batch],
        )

    def search(vector: Vectors, author: int | None) -> list[int]:
        only = None if author is None else {"author": corpus.authors[author]}
        found = collection.query(vector, n_results=2 * K, where=only, include=["documents"])
        return _first_chunks(found["documents"][0])

    return search


def qdrant_local(corpus: Corpus, folder: Path) -> Search:
    """Qdrant's client in its local mode, which searches every vector."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(folder))
    client.create_collection(
        "bench",
        vectors_config=models.VectorParams(size=DIMENSION, distance=models.Distance.DOT),
    )
    texts, vectors, metadatas = _everything(corpus)
    for first in range(0, len(texts), _BATCH):
        batch = slice(first, first + _BATCH)
        rows = range(first, first + len(texts[batch]))
        payloads = [
            {**metadata, "text": text}
            for metadata, text in zip(metadatas[batch], texts[batch], strict=True)
        ]
        points = models.Batch(ids=list(rows), vectors=vectors[batch].tolist(), payloads=payloads)
        client.upsert("bench", points)

    def search(vector: Vectors, author: int | None) -> list[int]:
        only = None
        if author is not None:
            match = models.MatchValue(value=corpus.authors[author])
            only = models.Filter(must=[models.FieldCondition(key="author", match=match)])
        found = client.query_points("bench", vector[0].tolist(), query_filter=only, limit=2 * K)
        return _first_chunks([point.payload["text"] for point in found.points])

    return search


CONTENDERS: dict[str, Callable[[Corpus, Path], Search]] = {
    "langchain-community FAISS": langchain_store,
    "Chroma embedded": chroma_local,
    "Qdrant local mode": qdrant_local,
}


def _everything(corpus: Corpus) -> tuple[list[str], Vectors, list[dict[str, str]]]:
    """Return the chunk's text of each window, the windows' vectors and their authors."""
    texts: list[str] = []
    vectors: list[Vectors] = []
    metadatas: list[dict[str, str]] = []
    for number, author in enumerate(corpus.authors):
        partition = corpus.partition(number)
        text_of = {chunk.chunk_id: chunk.text for chunk in partition.chunks}
        texts += [text_of[window.chunk_id] for window in partition.windows]
        vectors.append(partition.vectors)
        metadatas += [{"author": author}] * len(partition.windows)
    return texts, np.concatenate(vectors), metadatas


def _first_chunks(texts: Sequence[str]) -> list[int]:
    return list(dict.fromkeys(chunk_in(text) for text in texts))[:K]
