"""A category's windows of all opened versions: rows numbered through, an author's together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category
from twin_assets.stores import Hit
from twin_assets.stores.faiss.exact import Rows, renumbered, row_numbers, top_rows
from twin_assets.stores.faiss.files import OpenedVersion


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A chunk by where it stands: its version's place, its own, and its best window."""

    version: int
    place: int
    score: float
    start: int
    end: int


class Collection:
    """Finds rows, and tells which chunk and window a row is."""

    def __init__(self, category: Category, versions: Sequence[OpenedVersion]) -> None:
        """Number the rows of the versions that have the category."""
        self.category = category
        self.versions = [version for version in versions if category in version.vectors]
        self.matrices = [version.vectors[category] for version in self.versions]
        self.firsts = row_numbers(self.matrices)
        self._windows = [version.rows[category] for version in self.versions]
        self._of_author = {version.author: at for at, version in enumerate(self.versions)}

    def of(self, author: str | None) -> list[int]:
        """Return the place of the author's version among the versions, or all places."""
        if author is None:
            return list(range(len(self.versions)))
        return [self._of_author[author]] if author in self._of_author else []

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.firsts[-1])

    def size(self, versions: Sequence[int]) -> int:
        """Return how many rows the versions in these places have."""
        return sum(len(self.matrices[place]) for place in versions)

    def exact(self, versions: Sequence[int], vectors: Vectors, wanted: int) -> tuple[Vectors, Rows]:
        """Return scores and rows nearest each vector in the versions in these places."""
        matrices = [self.matrices[place] for place in versions]
        scores, rows = top_rows(matrices, vectors, wanted)
        return scores, renumbered(rows, row_numbers(matrices), self.firsts[versions])

    def chunks(self, scores: Vectors, rows: Rows, k: int) -> list[FoundChunk]:
        """Return the first ``k`` chunks among the rows, which are best first; -1 is no row."""
        versions = self.firsts.searchsorted(rows, side="right") - 1
        found: dict[tuple[int, int], FoundChunk] = {}
        for score, row, version in zip(
            scores.tolist(), rows.tolist(), versions.tolist(), strict=True
        ):
            if row < 0:
                break
            window = self._windows[version][row - self.firsts[version]]
            place, start, end = window.tolist()
            if (version, place) not in found:
                found[version, place] = FoundChunk(version, place, score, start, end)
                if len(found) == k:
                    break
        return list(found.values())

    def compare(
        self, vectors: Vectors, wanted: Sequence[tuple[str, int]]
    ) -> list[list[FoundChunk]]:
        """Return for each vector the chunks, each given by its author and its place, in order."""
        places: dict[str, list[int]] = {}
        for author, place in wanted:
            places.setdefault(author, []).append(place)
        found: list[dict[tuple[str, int], FoundChunk]] = [{} for _ in vectors]
        for author, some in places.items():
            version = self._of_author[author]
            windows = self._windows[version]
            rows = np.flatnonzero(np.isin(windows[:, 0], some))
            scores = vectors @ self.matrices[version][rows].T
            for chunks, line in zip(found, scores, strict=True):
                for at in np.argsort(line).tolist():  # ascending: the best window is kept
                    place, start, end = windows[rows[at]].tolist()
                    score = float(line[at])
                    chunks[author, place] = FoundChunk(version, place, score, start, end)
        return [[chunks[key] for key in wanted] for chunks in found]

    def hits(self, found: Sequence[FoundChunk]) -> list[Hit]:
        """Return the chunks with their text, in the same order.

        Raises:
            IndexCorruptedError: a version's rows do not fit its chunks.
        """
        places: dict[int, list[int]] = {}
        for chunk in found:
            places.setdefault(chunk.version, []).append(chunk.place)
        chunks = {
            (version, place): chunk
            for version, wanted in places.items()
            for place, chunk in zip(wanted, self.versions[version].chunks.take(wanted), strict=True)
        }
        return [Hit(chunks[f.version, f.place], f.score, f.start, f.end) for f in found]
