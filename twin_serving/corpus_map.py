"""A map of what is served: one point a chunk, those about similar things near each other."""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category, Chunk
from twin_assets.stores import Snapshot
from twin_assets.stores.bm25 import WordMatch
from twin_serving.catalog import Catalog, Served

MOST_POINTS = 2000  # what a browser draws, and a reader tells apart
_A_TIME = 250  # chunks asked of the index at once: a database answers with all of their windows


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk on the map; ``x`` and ``y`` are from 0 to 1."""

    chunk_id: str
    title: str
    author: str
    category: Category
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class CorpusMap:
    """The points of the corpus, and how much stands behind them.

    ``authors`` are those with the most chunks first, each with their number; ``categories`` and
    ``chunks`` count the whole corpus too, of which ``points`` may be a sample.
    """

    points: tuple[Point, ...]
    chunks: int
    authors: tuple[tuple[Author, int], ...]
    categories: Mapping[Category, int]


class Projection:
    """The plane on which the given vectors differ most: their first two principal components."""

    def __init__(self, vectors: Vectors) -> None:
        """Fit the plane to float32 vectors (vectors, dimension), one of two numbers at least."""
        self._mean = vectors.mean(axis=0)
        centred = vectors - self._mean
        _, _, rows = np.linalg.svd(centred.T @ centred)  # their covariance: smaller than they are
        axes = rows[:2]
        largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]
        self._axes = axes * np.where(largest < 0, -1, 1)[:, None]  # the same way up every time
        flat = self._flat(vectors)
        self._low, high = flat.min(axis=0), flat.max(axis=0)
        self._span = np.where(high > self._low, high - self._low, 1)

    def place(self, vectors: Vectors) -> Vectors:
        """Return where the vectors stand: (vectors, 2), from 0 to 1; those outside at the edge."""
        placed: Vectors = np.clip((self._flat(vectors) - self._low) / self._span, 0, 1)
        return placed

    def _flat(self, vectors: Vectors) -> Vectors:
        flat: Vectors = (vectors - self._mean) @ self._axes.T
        return flat


class CorpusMaps:
    """The map of what a catalog serves, made once for what is served. Several threads may ask."""

    def __init__(self, catalog: Catalog) -> None:
        """Make no map yet."""
        self._catalog = catalog
        self._lock = threading.Lock()
        self._made_of: object = None
        self._map: CorpusMap | None = None
        self._projection: Projection | None = None

    def current(self, lit: Collection[str] = ()) -> tuple[CorpusMap, tuple[Point, ...]]:
        """Return the map, and the points of the chunks with these ids, be they on it or not.

        Raises:
            NothingServedError: nothing is served.
            IndexCorruptedError: files of the index are damaged.
            StorageError: the index cannot be read.
        """
        served = self._catalog.served()
        key = tuple((p.author.slug, p.version) for p in served.partitions)
        with self._lock:
            if self._map is None or self._projection is None or key != self._made_of:
                self._map, self._projection = draw(served)
                self._made_of = key
            made, projection = self._map, self._projection
        return made, _points(projection, served.snapshot, served.snapshot.bm25.find(lit))


def draw(served: Served, most: int = MOST_POINTS) -> tuple[CorpusMap, Projection]:
    """Return the map of what is served, and the projection that places further chunks on it.

    Args:
        served: what is served.
        most: points at most; the chunks are sampled evenly where there are more.

    Raises:
        IndexCorruptedError: files of the index are damaged.
        StorageError: the index cannot be read.
    """
    bm25 = served.snapshot.bm25
    found = _chunks(served.snapshot, bm25.sample(most))
    vectors = np.array([vector for _, vector in found], np.float32)
    projection = Projection(vectors if found else np.zeros((1, 2), np.float32))
    authors = sorted(
        ((p.author, p.chunks) for p in served.partitions), key=lambda pair: (-pair[1], pair[0].slug)
    )
    corpus = CorpusMap(
        points=_placed(projection, found),
        chunks=sum(chunks for _, chunks in authors),
        authors=tuple(authors),
        categories=bm25.sizes,
    )
    return corpus, projection


def _points(
    projection: Projection, snapshot: Snapshot, matches: Iterable[tuple[Category, WordMatch]]
) -> tuple[Point, ...]:
    return _placed(projection, _chunks(snapshot, matches))


def _placed(projection: Projection, found: list[tuple[Chunk, Vectors]]) -> tuple[Point, ...]:
    if not found:
        return ()
    places = projection.place(np.array([vector for _, vector in found], np.float32))
    return tuple(
        Point(chunk.chunk_id, chunk.title, chunk.author, chunk.category, x, y)
        for (chunk, _), (x, y) in zip(found, places.tolist(), strict=True)
    )


def _chunks(
    snapshot: Snapshot, matches: Iterable[tuple[Category, WordMatch]]
) -> list[tuple[Chunk, Vectors]]:
    """Read the chunks and their vectors, some at a time."""
    found: list[tuple[Chunk, Vectors]] = []
    ordered = sorted(matches, key=lambda match: match[0])
    for category, group in groupby(ordered, key=lambda match: match[0]):
        wanted = [match for _, match in group]
        for first in range(0, len(wanted), _A_TIME):
            found += snapshot.centres(category, wanted[first : first + _A_TIME])
    return found
