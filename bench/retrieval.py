"""Retrieval beside other systems' hybrid pipelines: how good on a test collection, how fast.

Everything runs in one process with one embedding model, and every system gives as many candidates
for how good it is as for how fast: those that a user of Twin gets, or ``--k``. On the collection
each gets whole documents, title first, and makes of them what it makes; for the latency, passages
of words drawn as in natural language (Zipf), with synthetic vectors, a thousand an author.
"""

import argparse
import statistics
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
from clustered import Clustered
from hybrids import PIPELINES, Embed, Find
from reporting import arguments, show

from twin_assets.artifacts import Vectors
from twin_assets.assets.chunks import chunk_documents, window_chunks
from twin_assets.cleaning import clean
from twin_assets.documents import Author, Category, Chunk, CleanedDocument, RawDocument, Window
from twin_assets.embedding import Embedder, embedder_for
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import IndexPartition
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.manifest import Model
from twin_serving.catalog import Served
from twin_serving.evaluation.beir import Dataset, read_dataset
from twin_serving.evaluation.corpus import corpus_of
from twin_serving.evaluation.metrics import ndcg
from twin_serving.evaluation.runs import run
from twin_serving.retrieval import Rerank, RetrievalOptions
from twin_serving.retrieval.pipeline import Retriever

_POOL = 50  # what words and vectors each put forward before they are fused, as in Twin
_PLACES = 10  # of nDCG
_AN_AUTHOR = 1000
_VOCABULARY, _PASSAGE_WORDS, _QUESTION_WORDS = 50_000, 120, 8
_PLAIN = RetrievalOptions(use_llm=False, phrasings=1, rerank=Rerank.OFF)
_OURS = {"twin, no rerank": _PLAIN, "twin, default": replace(_PLAIN, rerank=Rerank.AUTO)}
_STAGES = ("self_query", "search", "rerank", "context")

Row = dict[str, Any]


def measure_quality(folder: Path, k: int, embedder: Embedder, settings: TwinSettings) -> list[Row]:
    """Return each system's nDCG@10 on the collection in the folder, in BEIR's layout."""
    dataset = read_dataset(folder)
    rows = [
        {"system": name, f"nDCG@10 {dataset.name}": value}
        for name, value in _our_quality(dataset, k, embedder, settings).items()
    ]
    texts = [f"{document.title}\n\n{document.text}" for document in dataset.documents]
    vectors = embedder.encode(texts)
    ids = [document.id for document in dataset.documents]
    for name, pipeline in PIPELINES.items():
        with _installed(rows, name) as is_there:
            find = pipeline(texts, vectors, _embed(embedder), max(k, _POOL))
            scores = [
                ndcg([ids[place] for place in find(query.text, k)], query.grades, _PLACES)
                for query in dataset.queries
            ]
        if is_there:
            rows.append({"system": name, f"nDCG@10 {dataset.name}": statistics.mean(scores)})
    return rows


def _our_quality(
    dataset: Dataset, k: int, embedder: Embedder, settings: TwinSettings
) -> dict[str, float]:
    corpus = corpus_of(dataset)
    cleaned = [clean(document) for document in corpus.documents.values()]
    documents = [document for document in cleaned if isinstance(document, CleanedDocument)]
    chunks = chunk_documents(documents, settings)
    windows = window_chunks(chunks, settings)
    vectors = embedder.encode([window.reading for window in windows])
    (author,) = corpus.authors
    with _served([_partition(author, documents, chunks, windows, vectors)]) as served:
        retriever = Retriever(served, embedder, settings)
        values = {}
        for name, options in _OURS.items():
            own = replace(options, k=k, author=author.slug)
            rankings = run(retriever, corpus.questions, own).rankings
            values[name] = statistics.mean(
                ndcg(ranking, question.grades, _PLACES)
                for ranking, question in zip(rankings, corpus.questions, strict=True)
            )
    return values


def measure_latency(
    size: int, questions: int, k: int, embedder: Embedder, settings: TwinSettings
) -> list[Row]:
    """Return each system's milliseconds a question over so many passages, and our stages'."""
    random = np.random.default_rng(size)
    texts = [_passage(random) for _ in range(size)]
    asked = [_question(random, texts) for _ in range(questions)]
    corpus = Clustered(size // _AN_AUTHOR, seed=1)
    vectors = np.concatenate([corpus.vectors(author) for author in range(len(corpus.authors))])
    rows = []
    partitions = list(_partitions(corpus, texts, vectors))
    started = perf_counter()
    with _served(partitions) as served:
        build = perf_counter() - started
        retriever = Retriever(served, embedder, settings)
        for name, options in _OURS.items():
            stages: dict[str, list[float]] = {stage: [] for stage in _STAGES}
            seconds = []
            for question in [asked[0], *asked]:  # the first opens what is mapped
                started = perf_counter()
                retrieval = retriever.retrieve(question, replace(options, k=k))
                seconds.append(perf_counter() - started)
                for entry in retrieval.trace:
                    if entry.stage in stages:
                        stages[entry.stage].append(entry.seconds)
            rows.append({"system": name, "build s": build} | _timed(seconds[1:]))
            rows += [
                {"system": name, "stage": stage} | _timed(some[1:])
                for stage, some in stages.items()
                if any(some)
            ]
    for name, pipeline in PIPELINES.items():
        with _installed(rows, name) as is_there:
            started = perf_counter()
            find = pipeline(texts, vectors, _embed(embedder), max(k, _POOL))
            build = perf_counter() - started
            find(asked[0], k)
            seconds = [_seconds(find, question, k) for question in asked]
        if is_there:
            rows.append({"system": name, "build s": build} | _timed(seconds))
    return [{"passages": size} | row for row in rows]


@contextmanager
def _installed(rows: list[Row], name: str) -> Iterator[list[bool]]:
    """Add a row that says so where the system is not installed; yield what is falsy then."""
    is_there = [True]
    try:
        yield is_there
    except ImportError:
        is_there.clear()
        rows.append({"system": f"{name}: not installed"})


@contextmanager
def _served(partitions: Sequence[IndexPartition]) -> Iterator[Any]:
    """Yield what a Retriever asks for what is served: these partitions, whatever Dagster says."""
    with TemporaryDirectory() as folder:
        store = FaissStore(Path(folder))
        versions = {part.author.slug: store.publish(part).version for part in partitions}
        known = tuple(SimpleNamespace(author=part.author) for part in partitions)
        served = Served("faiss", known, store.open(versions), ())  # type: ignore[arg-type]
        yield SimpleNamespace(served=lambda weights_sha256=None: served)


def _partitions(
    corpus: Clustered, texts: Sequence[str], vectors: Vectors
) -> Iterator[IndexPartition]:
    for number, slug in enumerate(corpus.authors):
        first = number * _AN_AUTHOR
        documents, chunks, windows = [], [], []
        for place in range(first, first + _AN_AUTHOR):
            raw = RawDocument(
                slug, "blog", Category.ARTICLE, f"https://example.com/{place}", "", texts[place]
            )
            document = clean(raw)
            if not isinstance(document, CleanedDocument):
                document = CleanedDocument(
                    raw.document_id, slug, "blog", Category.ARTICLE, raw.link, "", raw.text
                )
            text, key = document.text, document.document_id
            chunk_id = Chunk.identify(key, 0, len(text), text)
            chunk = Chunk(
                chunk_id, key, slug, Category.ARTICLE, document.title, 0, len(text), text, 150
            )
            documents.append(document)
            chunks.append(chunk)
            windows.append(Window.of(chunk_id, 0, len(text), text, 150))
        yield _partition(
            Author(slug, slug), documents, chunks, windows, vectors[first : first + _AN_AUTHOR]
        )


def _partition(
    author: Author,
    documents: Sequence[CleanedDocument],
    chunks: Sequence[Chunk],
    windows: Sequence[Window],
    vectors: Vectors,
) -> IndexPartition:
    return IndexPartition(
        author=author,
        documents=documents,
        chunks=chunks,
        windows=windows,
        vectors=vectors,
        model=Model("bench", "0" * 64, "auto", vectors.shape[1]),
        chunking={},
        data_version="bench-bench",
        run_id="bench",
        upstream=(),
    )


def _passage(random: np.random.Generator) -> str:
    ranks = np.minimum(random.zipf(1.2, _PASSAGE_WORDS), _VOCABULARY)
    return " ".join(_word(rank) for rank in ranks.tolist())


def _question(random: np.random.Generator, texts: Sequence[str]) -> str:
    words = texts[random.integers(len(texts))].split()
    first = int(random.integers(len(words) - _QUESTION_WORDS))
    return " ".join(words[first : first + _QUESTION_WORDS])


def _word(rank: int) -> str:
    """Return a word of consonants and vowels in turn, short where it is frequent."""
    letters = []
    while rank or not letters:
        rank, consonant = divmod(rank, 16)
        rank, vowel = divmod(rank, 5)
        letters.append("bdfghjklmnprstvz"[consonant] + "aeiou"[vowel])
    return "".join(letters)


def _embed(embedder: Embedder) -> Embed:
    return lambda text: [float(value) for value in embedder.encode([text])[0]]


def _seconds(find: Find, question: str, k: int) -> float:
    started = perf_counter()
    find(question, k)
    return perf_counter() - started


def _timed(seconds: Sequence[float]) -> Row:
    return {
        "p50 ms": 1000 * statistics.median(seconds),
        "p95 ms": 1000 * statistics.quantiles(seconds, n=20)[-1],
    }


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sizes", type=_sizes, default="10000,100000")
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--k", type=int, default=RetrievalOptions().k, help="candidates")
    parser.add_argument("--collection", type=Path, help="a folder in BEIR's layout")
    options: argparse.Namespace = parser.parse_args()
    warnings.simplefilter("ignore")  # of the other systems
    settings = load_settings(_env_file=None)
    embedder = embedder_for(settings)
    k, rows = options.k, []
    if options.collection:
        rows += measure_quality(options.collection, k, embedder, settings)
    for size in options.sizes:
        rows += measure_latency(size, options.questions, k, embedder, settings)
    quality = sorted({name for row in rows for name in row if name.startswith("nDCG")})
    show(
        {
            "compares": "a hybrid search of vectors and BM25 in Twin and in other systems, "
            f"{k} candidates of each, with the same model in the same process",
            "rows": rows,
            "candidates": k,
            "questions": options.questions,
        },
        ["system", *quality, "passages", "build s", "stage", "p50 ms", "p95 ms"],
        options.json,
    )


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


if __name__ == "__main__":
    main()
