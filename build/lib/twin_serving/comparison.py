"""The same questions to every index backend: whether they answer alike, and how fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median, quantiles
from time import perf_counter

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.embedding import Embedder
from twin_assets.errors import BadInputError
from twin_assets.stores import Snapshot, VectorStore
from twin_serving.retrieval import Search
from twin_serving.retrieval.search import search

TOP = 10  # of overlap@10
_QUESTIONS = 50


@dataclass(frozen=True, slots=True)
class BackendFigures:
    """How one backend answered.

    ``overlap`` is the mean share of the baseline's ten best chunks that are among this backend's
    ten best, over all questions; times are milliseconds for the search stage of a question.
    """

    backend: str
    authors: int
    questions: int
    overlap: float
    overlap_by_author: float
    p50_ms: float
    p95_ms: float
    p50_by_author_ms: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, and the author that it is asked of where a search is filtered."""

    text: str
    author: str


def compare(
    stores: Sequence[VectorStore], served: Mapping[str, Mapping[str, str]], embedder: Embedder
) -> list[BackendFigures]:
    """Ask every backend the titles of the documents that all of them serve.

    A backend that serves no author in the data version of others is left out.

    Args:
        stores: the backends; the first that is compared is the baseline.
        served: for each backend by name, the served version of each author.
        embedder: what the vectors were made with.

    Raises:
        BadInputError: there is no author that two backends serve in the same data version.
    """
    stores, same = _same_data(stores, served)
    if not same:
        raise BadInputError(
            "No author is served with the same data by two index backends. "
            "Run `twin build --index all`."
        )
    asked = _questions(stores[0], {author: served[stores[0].name][author] for author in same})
    vectors = embedder.encode([one.text for one in asked])
    baseline: list[list[str]] = []
    figures: list[BackendFigures] = []
    for store in stores:
        snapshot = store.open({author: served[store.name][author] for author in same})
        _ten_best(snapshot, vectors[:1], None)  # what a first search has to load is no search
        free, free_seconds = _ask_all(snapshot, vectors, [None] * len(asked))
        own, own_seconds = _ask_all(snapshot, vectors, [one.author for one in asked])
        baseline = baseline or free + own
        half = len(free)
        figures.append(
            BackendFigures(
                backend=store.name,
                authors=len(same),
                questions=len(asked),
                overlap=_overlap(free, baseline[:half]),
                overlap_by_author=_overlap(own, baseline[half:]),
                p50_ms=1000 * median(free_seconds),
                p95_ms=1000 * _p95(free_seconds),
                p50_by_author_ms=1000 * median(own_seconds),
            )
        )
    return figures


def _same_data(
    stores: Sequence[VectorStore], served: Mapping[str, Mapping[str, str]]
) -> tuple[Sequence[VectorStore], list[str]]:
    """Return the most backends that serve an author made of the same, and all such authors."""
    made: dict[str, set[tuple[str, str]]] = {
        store.name: {
            (author, manifest.data_version)
            for author, version in served.get(store.name, {}).items()
            for manifest in store.versions(author)
            if manifest.version == version
        }
        for store in stores
    }
    for size in range(len(stores), 1, -1):
        for some in combinations(stores, size):
            if common := set.intersection(*(made[store.name] for store in some)):
                return some, sorted(author for author, _ in common)
    return (), []


def _questions(store: VectorStore, versions: Mapping[str, str]) -> list[_Asked]:
    """Return titles of documents, taken evenly over all authors' documents."""
    titles = [
        _Asked(document.title, author)
        for author, version in versions.items()
        for document in store.read(author, version).documents
    ]
    places = np.linspace(0, len(titles) - 1, min(_QUESTIONS, len(titles))).astype(int)
    return [titles[place] for place in places]


def _ask_all(
    snapshot: Snapshot, vectors: Vectors, authors: Sequence[str | None]
) -> tuple[list[list[str]], list[float]]:
    answers, seconds = [], []
    for vector, author in zip(vectors, authors, strict=True):
        start = perf_counter()
        answers.append(_ten_best(snapshot, vector[np.newaxis], author))
        seconds.append(perf_counter() - start)
    return answers, seconds


def _ten_best(snapshot: Snapshot, vector: Vectors, author: str | None) -> list[str]:
    found = search(snapshot, (), vector, TOP, author=author, by=Search.DENSE)
    return [candidate.chunk_id for candidate in found]


def _overlap(answers: Sequence[Sequence[str]], expected: Sequence[Sequence[str]]) -> float:
    shares = [
        len(set(mine) & set(theirs)) / len(theirs)
        for mine, theirs in zip(answers, expected, strict=True)
        if theirs
    ]
    return sum(shares) / len(shares) if shares else 1.0


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
