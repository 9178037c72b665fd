"""Who writes the answer out of the passages: a language model, or nobody but the passages."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from twin_serving.llm import Message
from twin_serving.retrieval import Retrieval


@dataclass(frozen=True, slots=True)
class Support:
    """The words of passage ``n`` that a piece of the answer rests on.

    ``start`` and ``end`` are offsets into the document's cleaned text; they are equal where no
    words of the passage stand out.
    """

    n: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer, and what it rests on."""

    text: str
    support: tuple[Support, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """How an answer was written; ``model`` and the counts are None where there is no model.

    ``prompt`` is what the model was given, ``passages`` how many of the passages were in it,
    ``dropped`` the citations that named none of them.
    """

    provider: str
    model: str | None = None
    prompt: tuple[Message, ...] = ()
    passages: int = 0
    finish: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    dropped: tuple[int, ...] = ()

    @property
    def by(self) -> str:
        """The writer in a word or two."""
        return f"{self.provider}: {self.model}" if self.model else self.provider


class Answerer(Protocol):
    """Writes an answer out of numbered passages; it cites them as ``[n]``."""

    provider: str

    def stream(
        self, retrieval: Retrieval, history: Sequence[Message]
    ) -> AsyncIterator[Piece | Written]:
        """Yield the answer piece by piece, and how it is written.

        That is known in part before the first piece, and wholly after the last: the last counts.

        Args:
            retrieval: the question with at least one passage.
            history: the conversation so far.

        Raises:
            ModelServerError: there is a model server, and it failed; also in the middle.
        """
        ...
