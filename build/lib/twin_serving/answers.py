"""What a question comes to: an answer with its citations and how it was found."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin_serving.answering import Piece, Support, Written
from twin_serving.governance import Verdict
from twin_serving.retrieval import Passage, Retrieval, StageTrace


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that the answer cites, and the words in it that support the answer."""

    passage: Passage
    support: tuple[Support, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, or as much as there is of it when ``fault`` says what went wrong.

    ``citations`` is empty when nothing fitting was found, or the model cited nothing.
    """

    id: str
    retrieval: Retrieval
    text: str
    written: Written
    citations: tuple[Citation, ...]
    trace: tuple[StageTrace, ...]
    verdict: Verdict
    fault: str | None = None

    @property
    def sources(self) -> tuple[Citation, ...]:
        """What to show beside the answer: what it cites, or every passage where that is not all.

        So it is without citations, and with a fault.
        """
        if self.citations and self.fault is None:
            return self.citations
        cited = {citation.passage.n: citation for citation in self.citations}
        return tuple(cited.get(p.n, Citation(p, ())) for p in self.retrieval.passages)


Event = Retrieval | Piece | Answer
"""What a stream of an answer yields, in this order; pieces come as often as there are any."""


def cite(passages: Sequence[Passage], pieces: Sequence[Piece]) -> tuple[Citation, ...]:
    """Return the passages that the pieces rest on, each with its supporting words."""
    support: dict[int, list[Support]] = {}
    for piece in pieces:
        for words in piece.support:
            support.setdefault(words.n, []).append(words)
    return tuple(
        Citation(passage, tuple(support[passage.n])) for passage in passages if passage.n in support
    )
