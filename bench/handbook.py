"""Real passages: the handbook authors' articles, taken through the stages that the assets run."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from corpus import Question

from twin_assets.artifacts import Vectors
from twin_assets.settings import load_settings
from twin_assets.stores import IndexPartition, create_store
from twin_assets.stores.faiss.exact import row_numbers, sample_questions

_SEED = 1


def default_file() -> Path:
    """Return where the articles are looked for; they are not part of the project."""
    data = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("TWIN_TEST_DATA", data)) / "handbook" / "articles.jsonl"


def prepare(file: Path, home: Path) -> None:
    """Clean, cut, embed and publish the file's documents into the FAISS index of the home."""
    from pipeline import by_functions, fill

    settings = load_settings(home=home, _env_file=None)
    by_functions(settings, fill(settings, file))


class Handbook:
    """A :class:`Corpus` of what :func:`prepare` published.

    A chunk in the words of an earlier one is left out: in an answer, nothing tells the two apart.
    """

    name = "handbook"

    def __init__(self, home: Path) -> None:
        """Read the published versions."""
        store = create_store("faiss", load_settings(home=home, _env_file=None))
        self.authors: Sequence[str] = store.authors()
        self._numbers: dict[str, int] = {}
        self._chunk_of: list[int] = []
        self._partitions = [
            self._distinct(store.read(author, store.serving(author) or ""))
            for author in self.authors
        ]
        self.firsts: Sequence[int] = row_numbers([p.vectors for p in self._partitions]).tolist()
        self.windows_a_chunk = int(np.bincount(self._chunk_of).max())

    def _distinct(self, partition: IndexPartition) -> IndexPartition:
        """Return the partition without what was said before, and number its chunks and rows."""
        chunks = {}
        for chunk in partition.chunks:
            if chunk.text not in self._numbers:
                self._numbers[chunk.text] = len(self._numbers)
                chunks[chunk.chunk_id] = chunk
        rows = [row for row, w in enumerate(partition.windows) if w.chunk_id in chunks]
        windows = [partition.windows[row] for row in rows]
        self._chunk_of += [self._numbers[chunks[window.chunk_id].text] for window in windows]
        return replace(
            partition,
            chunks=list(chunks.values()),
            windows=windows,
            vectors=np.ascontiguousarray(partition.vectors[rows]),
        )

    def vectors(self, author: int) -> Vectors:
        """See :meth:`Corpus.vectors`."""
        return self._partitions[author].vectors

    def partition(self, author: int) -> IndexPartition:
        """See :meth:`Corpus.partition`."""
        return self._partitions[author]

    def questions(self, count: int) -> list[Question]:
        """See :meth:`Corpus.questions`. They are stored vectors, each pushed at random."""
        vectors = sample_questions([part.vectors for part in self._partitions], count, _SEED)
        asked = np.random.default_rng(_SEED).integers(len(self.authors), size=count).tolist()
        return [
            Question(vector[None], author) for vector, author in zip(vectors, asked, strict=True)
        ]

    def chunk_of(self, row: int) -> int:
        """See :meth:`Corpus.chunk_of`."""
        return self._chunk_of[row]

    def chunk_in(self, text: str) -> int:
        """See :meth:`Corpus.chunk_in`."""
        return self._numbers[text]
