"""Other ways to search the same vectors, used directly, each with its defaults."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import faiss
import numpy as np
from corpus import Corpus, Question, chunks_of_rows, first_chunks

from twin_assets.artifacts import Vectors

K = 10
FLAT = "flat FAISS, 50 then filtered"
_FLAT_FILE = "flat.faiss"
_BATCH = 1000

Search = Callable[[Vectors, int | None], list[int]]
"""Returns the numbers of the chunks near a vector, of one author where one is given."""


@dataclass(frozen=True, slots=True)
class System:
    """A way to search: built into an empty folder, then opened by another process.

    ``build`` returns its seconds without those for making the texts and vectors. ``module`` is the
    one without which the system cannot be measured. ``publish_again`` returns the seconds until a
    new version of one author answers, for a system that has versions.
    """

    module: str
    build: Callable[[Corpus, Path], float]
    open: Callable[[Corpus, Path], Search]
    publish_again: Callable[[Corpus, Path], float] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether this environment has it."""
        return find_spec(self.module) is not None


def build_flat(corpus: Corpus, folder: Path) -> float:
    """Put every vector into one flat index."""
    index, seconds = faiss.IndexFlatIP(corpus.vectors(0).shape[1]), 0.0
    for author in range(len(corpus.authors)):
        vectors = corpus.vectors(author)
        started = perf_counter()
        index.add(vectors)
        seconds += perf_counter() - started
    started = perf_counter()
    faiss.write_index(index, str(folder / _FLAT_FILE))
    return seconds + perf_counter() - started


def search_then_filter(corpus: Corpus, folder: Path) -> Search:
    """Search 50 rows of all authors and drop the others' afterwards; texts are not fetched."""
    index = faiss.read_index(str(folder / _FLAT_FILE))

    def search(vector: Vectors, author: int | None) -> list[int]:
        _, (rows,) = index.search(vector, 50)
        if author is not None:
            rows = rows[(rows >= corpus.firsts[author]) & (rows < corpus.firsts[author + 1])]
        return chunks_of_rows(corpus, rows.tolist(), K)

    return search


def truth(
    corpus: Corpus, folder: Path, questions: Sequence[Question]
) -> tuple[list[list[int]], list[list[int]]]:
    """Return the chunks nearest each question: its author's, and everybody's."""
    index = faiss.read_index(str(folder / _FLAT_FILE))
    vectors = np.concatenate([question.vector for question in questions])
    _, rows = index.search(vectors, min(K * corpus.windows_a_chunk, index.ntotal))
    of_all = [chunks_of_rows(corpus, row, K) for row in rows.tolist()]
    of_author = []
    for question in questions:
        scores = corpus.vectors(question.author) @ question.vector[0]
        nearest = corpus.firsts[question.author] + np.argsort(-scores)
        of_author.append(chunks_of_rows(corpus, nearest.tolist(), K))
    return of_author, of_all


def build_langchain(corpus: Corpus, folder: Path) -> float:
    """LangChain's FAISS store, saved."""
    from langchain_community.vectorstores import FAISS
    from langchain_community.vectorstores.utils import DistanceStrategy
    from langchain_core.embeddings import FakeEmbeddings

    texts, vectors, metadatas = _everything(corpus)
    started = perf_counter()
    store = FAISS.from_embeddings(
        zip(texts, vectors.tolist(), strict=True),
        FakeEmbeddings(size=vectors.shape[1]),
        metadatas=metadatas,
        distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
    )
    store.save_local(str(folder))
    return perf_counter() - started


def open_langchain(corpus: Corpus, folder: Path, *, fetch_all: bool) -> Search:
    """Load it; its filter looks at the 20 nearest rows by default, or at every row."""
    from langchain_community.vectorstores import FAISS
    from langchain_core.embeddings import FakeEmbeddings

    embeddings = FakeEmbeddings(size=corpus.vectors(0).shape[1])
    store = FAISS.load_local(str(folder), embeddings, allow_dangerous_deserialization=True)
    fetched = {"fetch_k": corpus.firsts[-1]} if fetch_all else {}

    def search(vector: Vectors, author: int | None) -> list[int]:
        only = None if author is None else {"author": corpus.authors[author]}
        found = store.similarity_search_by_vector(
            vector[0].tolist(), k=K * corpus.windows_a_chunk, filter=only, **fetched
        )
        return first_chunks(corpus, [document.page_content for document in found], K)

    return search


def build_chroma(corpus: Corpus, folder: Path) -> float:
    """Chroma's embedded client with its own index."""
    texts, vectors, metadatas = _everything(corpus)
    started = perf_counter()
    collection = _chroma(folder).create_collection(
        "bench", metadata={"hnsw:space": "ip"}, embedding_function=None
    )
    for first in range(0, len(texts), _BATCH):
        batch = slice(first, first + _BATCH)
        collection.add(
            ids=[str(row) for row in range(first, first + len(texts[batch]))],
            embeddings=vectors[batch],
            metadatas=metadatas[batch],
            documents=texts[batch],
        )
    return perf_counter() - started


def open_chroma(corpus: Corpus, folder: Path) -> Search:
    """Open the collection in its folder."""
    collection = _chroma(folder).get_collection("bench", embedding_function=None)

    def search(vector: Vectors, author: int | None) -> list[int]:
        found = collection.query(
            vector,
            n_results=K * corpus.windows_a_chunk,
            where=None if author is None else {"author": corpus.authors[author]},
            include=["documents"],
        )
        return first_chunks(corpus, found["documents"][0], K)

    return search


def _chroma(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))


def build_qdrant(corpus: Corpus, folder: Path) -> float:
    """Qdrant's client in its local mode, which searches every vector."""
    from qdrant_client import QdrantClient, models

    texts, vectors, metadatas = _everything(corpus)
    started = perf_counter()
    client = QdrantClient(path=str(folder))
    client.create_collection(
        "bench",
        vectors_config=models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT),
    )
    for first in range(0, len(texts), _BATCH):
        batch = slice(first, first + _BATCH)
        rows = range(first, first + len(texts[batch]))
        payloads = [
            {**metadata, "text": text}
            for metadata, text in zip(metadatas[batch], texts[batch], strict=True)
        ]
        points = models.Batch(ids=list(rows), vectors=vectors[batch].tolist(), payloads=payloads)
        client.upsert("bench", points)
    client.close()
    return perf_counter() - started


def open_qdrant(corpus: Corpus, folder: Path) -> Search:
    """Open the collection in its folder."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(folder))

    def search(vector: Vectors, author: int | None) -> list[int]:
        only = None
        if author is not None:
            match = models.MatchValue(value=corpus.authors[author])
            only = models.Filter(must=[models.FieldCondition(key="author", match=match)])
        limit = K * corpus.windows_a_chunk
        found = client.query_points("bench", vector[0].tolist(), query_filter=only, limit=limit)
        return first_chunks(corpus, [point.payload["text"] for point in found.points], K)

    return search


FLAT_INDEX = System("faiss", build_flat, search_then_filter)
CONTENDERS = {
    "langchain-community FAISS": System(
        "langchain_community", build_langchain, partial(open_langchain, fetch_all=False)
    ),
    "langchain-community FAISS, all fetched": System(
        "langchain_community", build_langchain, partial(open_langchain, fetch_all=True)
    ),
    "Chroma embedded": System("chromadb", build_chroma, open_chroma),
    "Qdrant local mode": System("qdrant_client", build_qdrant, open_qdrant),
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
