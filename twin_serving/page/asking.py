"""A conversation on the page: what it is, and what is shown while a question is answered."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from twin_assets.errors import TwinError
from twin_serving.answering import Piece
from twin_serving.answers import Answer, Citation
from twin_serving.audit import Feedback
from twin_serving.lineage import lineage
from twin_serving.llm import Message
from twin_serving.page.answer import actions_html, answer_html, failure_html, partial_answer_html
from twin_serving.page.components import FAILED
from twin_serving.page.how import index_html, trace_html
from twin_serving.page.html import status_html
from twin_serving.page.sources import sources_html
from twin_serving.page.why import why_html
from twin_serving.retrieval import Retrieval, RetrievalOptions
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_AGAIN = actions_html(votes=False, whole=False)
_TURNS = 30  # of a conversation that are kept


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows of a question, as HTML."""

    status: str = status_html("")
    answer: str = ""
    actions: str = ""
    sources: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation. ``asked`` and ``answer`` are the last turn, ``turns`` those before it.

    ``answer`` is what has come of it, where it was stopped or failed half-way.
    ``author`` is what was picked for the last question, ``lit`` the ids of the chunks that its
    answer rests on, ``feedback`` what the asker made of it.
    """

    turns: tuple[tuple[str, str], ...] = ()
    asked: str = ""
    author: str = ""
    answer: str = ""
    answer_id: str = ""
    feedback: Feedback = field(default_factory=Feedback)
    lit: tuple[str, ...] = ()

    def with_question(self, question: str, author: str) -> "Talk":
        """Return the conversation that goes on with the question."""
        done = ((self.asked, self.answer),) if self.answer else ()
        turns = (*self.turns, *done)[-_TURNS:]
        return Talk(turns, question, author)

    def answered(self, answer: Answer) -> "Talk":
        """Return the conversation with its last question answered."""
        passages = answer.retrieval.passages
        lit = tuple(chunk_id for passage in passages for chunk_id in passage.chunk_ids)
        return replace(self, answer=answer.text, answer_id=answer.id, lit=lit)

    def again(self, author: str) -> "Talk":
        """Return the conversation with its last question asked once more."""
        return Talk(self.turns, self.asked, author)

    @property
    def history(self) -> list[Message]:
        """What was said before the last question."""
        return [
            message
            for asked, answer in self.turns
            for message in (Message("user", asked), Message("assistant", answer))
        ]


class Turn:
    """Whose turn it is to write into the page's one answer.

    The page cancels the answer before, and now and then the server misses that.
    """

    def __init__(self) -> None:
        """Nobody's."""
        self._taken = 0

    def take(self) -> Callable[[], bool]:
        """Take the turn; return what tells whether it still is."""
        self._taken += 1
        mine = self._taken
        return lambda: self._taken == mine


@dataclass(slots=True)
class Shown:
    """What has come of a question so far."""

    pieces: list[Piece] = field(default_factory=list)
    retrieval: Retrieval | None = None
    answer: Answer | None = None

    @property
    def text(self) -> str:
        """What of the answer has come."""
        return "".join(piece.text for piece in self.pieces).strip()


async def answer_views(
    twin: Twin, talk: Talk, options: RetrievalOptions, shown: Shown, asker: str | None = None
) -> AsyncIterator[View]:
    """Yield what to show while the question is answered; faults become one line, none is raised.

    Args:
        twin: who is asked.
        talk: the conversation up to the question.
        options: how it is searched.
        shown: filled with what has come.
        asker: the name of who is signed in, for the audit trail.
    """
    link = twin.settings.dagster_link
    answering = status_html("Answering…")
    how = sources = ""
    yield View(status_html("Looking through the index…"))
    try:
        stream: Any = twin.stream(talk.asked, options, talk.history, through=surface(asker))
        async with aclosing(stream):
            async for event in stream:
                match event:
                    case Retrieval():
                        shown.retrieval = event
                        how = trace_html(event.trace) + index_html(event.index, link)
                        found = [Citation(passage, ()) for passage in event.passages]
                        sources = sources_html(found, event.index, "Found")
                        answer = partial_answer_html(event, ())
                        yield View(answering, answer, sources=sources, how=how)
                    case Piece():
                        shown.pieces.append(event)
                        assert shown.retrieval is not None  # noqa: S101  # it comes first
                        answer = partial_answer_html(shown.retrieval, shown.pieces)
                        yield View(answering, answer, sources=sources, how=how)
                    case Answer():
                        shown.answer = event
                        index = event.retrieval.index
                        yield View(
                            answer=answer_html(event, shown.pieces),
                            actions=actions_html(votes=twin.audit is not None),
                            sources=sources_html(event.sources, index),
                            how=trace_html(event.trace) + index_html(index, link),
                        )
        return
    except TwinError as error:
        fault = str(error)
    except Exception:
        _log.exception("A question could not be answered")
        fault = FAILED
    answer = failure_html(fault, shown.retrieval, shown.pieces)
    yield View(answer=answer, actions=_AGAIN, sources=sources, how=how)


def surface(asker: str | None) -> str:
    """Return what the audit trail says a question came through."""
    return f"page: {asker}" if asker else "page"


def explain(twin: Twin, answer: Answer) -> str:
    """Return the picture of the way to the answer; it reads the Dagster instance."""
    index = answer.retrieval.index
    cited = {citation.passage.candidate.document.author for citation in answer.citations}
    lineages = {
        partition.author.slug: lineage(twin.catalog.instance, index.backend, partition)
        for partition in index.partitions
        if partition.author.slug in cited
    }
    return why_html(answer, lineages, twin.settings.dagster_link)
