"""What is searched: authors, the windows of what they wrote, and questions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category
from twin_assets.stores import IndexPartition

CATEGORY = Category.ARTICLE


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched for, and the author who is asked; others may have written more about it."""

    vector: Vectors
    author: int


class Corpus(Protocol):
    """Articles of authors who are numbered from 0, the same for the same arguments.

    A window's vector is a row, and rows are numbered through all authors: ``firsts`` holds each
    author's first one, and one past the last. Chunks are numbered so too.
    """

    name: str
    authors: Sequence[str]
    firsts: Sequence[int]
    windows_a_chunk: int
    """The most windows that a chunk has."""

    def vectors(self, author: int) -> Vectors:
        """Return the author's rows: normalized, float32 (windows, dimension)."""
        ...

    def partition(self, author: int) -> IndexPartition:
        """Return the author's documents, chunks, windows and vectors."""
        ...

    def questions(self, count: int) -> list[Question]:
        """Return questions, each asked of an author drawn at random."""
        ...

    def chunk_of(self, row: int) -> int:
        """Return the number of the chunk that the row is of."""
        ...

    def chunk_in(self, text: str) -> int:
        """Return the number of the chunk that has this text."""
        ...


def chunks_of_rows(corpus: Corpus, rows: Iterable[int], k: int) -> list[int]:
    """Return the first ``k`` chunks that the rows belong to."""
    return list(dict.fromkeys(corpus.chunk_of(row) for row in rows))[:k]


def first_chunks(corpus: Corpus, texts: Iterable[str], k: int) -> list[int]:
    """Return the first ``k`` chunks that the texts are of."""
    return list(dict.fromkeys(corpus.chunk_in(text) for text in texts))[:k]
