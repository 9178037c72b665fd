"""Who writes the answer: one module a provider behind one protocol."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from twin_serving.retrieval import Passage


@dataclass(frozen=True, slots=True)
class Support:
    """The words of passage ``n`` that a piece of the answer rests on.

    ``start`` and ``end`` are offsets into the document's cleaned text.
    """

    n: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer, and what it rests on."""

    text: str
    support: tuple[Support, ...] = ()


class Answerer(Protocol):
    """Writes an answer out of numbered passages; it cites them as ``[n]``."""

    name: str

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[Piece]:
        """Yield the answer piece by piece. There is at least one passage."""
        ...
