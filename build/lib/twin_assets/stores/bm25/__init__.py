"""BM25 over the chunks of the opened versions: which of a question's words stand in them.

A chunk scores what its best window does. A long chunk holds most words somewhere, which says
little: what counts is whether they stand together.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, as Lucene
counts it: an inverse document frequency that is never negative, and no factor of k1 + 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin_assets.documents import Category
from twin_assets.stores.bm25.files import CATEGORIES, Bm25Version
from twin_assets.words import Hashes, question_words, word_hashes

# The usual values; Cranfield and the handbook's headings differ by 0.01 at most for others.
K1, B = 1.5, 0.75

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A chunk that holds words of the question. ``row`` is its place in its author's partition."""

    author: str
    chunk_id: str
    row: int
    window_ids: tuple[str, ...]
    score: float


class Bm25Index:
    """The words of every opened version; statistics are those of the authors that are asked."""

    def __init__(self, versions: Sequence[Bm25Version]) -> None:
        """Put the versions together; nothing is read before the first question."""
        self._versions = {version.author: version for version in versions}
        self._selections: dict[str | None, _Selection] = {}

    @property
    def faults(self) -> tuple[str, ...]:
        """One line for each author whose words are not indexed."""
        return tuple(
            f"The index of {version.author} was built before words were indexed, so it is searched "
            f"by vectors alone. Run `twin build --author {version.author}`."
            for version in self._versions.values()
            if not version.is_there
        )

    def scores(self, question: str, author: str | None = None) -> "Bm25Scores":
        """Return what every chunk of the author, or of all, scores for the question.

        Raises:
            IndexCorruptedError: a file does not hold what it should.
        """
        selection = self._selections.get(author)
        if selection is None:
            chosen = [v for slug, v in self._versions.items() if author in (None, slug)]
            selection = self._selections[author] = _Selection(chosen)
        return Bm25Scores(selection, selection.score(word_hashes(question_words(question))))


class Bm25Scores:
    """What each chunk scores for one question: 0 where it holds none of its words."""

    def __init__(self, selection: "_Selection", values: Scores) -> None:
        """Hold the values, one a row of the selection."""
        self._selection = selection
        self._values = values

    @property
    def highest(self) -> float:
        """The best score of any chunk, whatever its category."""
        return float(self._values.max(initial=0.0))

    def best(self, category: Category, k: int) -> list[WordMatch]:
        """Return the ``k`` best chunks of the category that score anything, best first."""
        of_category = self._selection.categories == CATEGORIES.index(category)
        rows = np.flatnonzero((self._values > 0) & of_category)
        if len(rows) > k:
            rows = rows[np.argpartition(-self._values[rows], k)[:k]]
        rows = rows[np.lexsort((rows, -self._values[rows]))]
        return [self._selection.match(row, float(self._values[row])) for row in rows.tolist()]

    def of(self, author: str, chunk_id: str) -> float:
        """Return what the chunk scores."""
        row = self._selection.row_of(author, chunk_id)
        return 0.0 if row is None else float(self._values[row])


class _Selection:
    """The chunks and windows of some versions, numbered through, and where each word stands."""

    def __init__(self, versions: Sequence[Bm25Version]) -> None:
        self._versions = versions
        self._firsts = np.cumsum([0, *(len(version.categories) for version in versions)])
        self._first_of = {
            version.author: (version, int(first))
            for version, first in zip(versions, self._firsts, strict=False)
        }
        self.categories = _joined([version.categories for version in versions], np.int8)
        self._first_windows = np.cumsum([0, *(len(version.lengths) for version in versions)])
        counts = _joined([np.diff(version.firsts) for version in versions], np.int32)
        self._chunk_of = np.repeat(np.arange(len(counts)), counts)
        lengths = _joined([version.lengths for version in versions], np.int32)
        self._norms = _norms(lengths, self.categories[self._chunk_of])
        terms = _joined([version.terms for version in versions], np.uint64)
        sizes = [len(version.terms) for version in versions]
        order = np.argsort(terms, kind="stable")
        self._terms = terms[order]
        self._owners = np.repeat(np.arange(len(versions), dtype=np.int32), sizes)[order]
        self._places = _joined([np.arange(n, dtype=np.int32) for n in sizes], np.int32)[order]

    def score(self, hashes: Hashes) -> Scores:
        """Return the score of every chunk; a word counts as often as it is asked."""
        values = np.zeros(len(self._norms), np.float32)
        firsts = np.searchsorted(self._terms, hashes, side="left").tolist()
        lasts = np.searchsorted(self._terms, hashes, side="right").tolist()
        for first, last in zip(firsts, lasts, strict=True):
            if first < last:
                rows, counts = self._postings(first, last)
                frequency = len(rows)
                idf = np.log(1 + (len(values) - frequency + 0.5) / (frequency + 0.5))
                values[rows] += idf * counts / (counts + self._norms[rows])
        best = np.zeros(len(self.categories), np.float32)
        held = np.flatnonzero(values)
        np.maximum.at(best, self._chunk_of[held], values[held])
        return best

    def _postings(self, first: int, last: int) -> tuple[npt.NDArray[np.int64], Scores]:
        rows, counts = [], []
        for entry in range(first, last):
            owner = self._owners[entry]
            some, often = self._versions[owner].postings(self._places[entry])
            rows.append(some + self._first_windows[owner])
            counts.append(often)
        return np.concatenate(rows), np.concatenate(counts).astype(np.float32)

    def match(self, row: int, score: float) -> WordMatch:
        """Return the chunk in the row."""
        owner = int(np.searchsorted(self._firsts, row, side="right")) - 1
        version, place = self._versions[owner], row - int(self._firsts[owner])
        return WordMatch(
            version.author, version.chunk_id(place), place, version.window_ids(place), score
        )

    def row_of(self, author: str, chunk_id: str) -> int | None:
        """Return the row of the chunk, if it is one of these."""
        version, first = self._first_of.get(author, (None, 0))
        place = None if version is None else version.rows_of.get(chunk_id)
        return None if place is None else first + place


def _norms(lengths: npt.NDArray[np.int32], categories: npt.NDArray[np.int8]) -> Scores:
    """Return how much a word's count is damped in each window.

    A window's length is compared with the others of its category: a post is short and code has few
    words by nature, which says nothing against either.
    """
    sizes = np.bincount(categories, minlength=len(CATEGORIES))
    totals = np.bincount(categories, weights=lengths, minlength=len(CATEGORIES))
    average = np.maximum(totals / np.maximum(sizes, 1), 1)
    norms: Scores = (K1 * (1 - B + B * lengths / average[categories])).astype(np.float32)
    return norms


def _joined(arrays: Sequence[npt.NDArray[np.generic]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays])
