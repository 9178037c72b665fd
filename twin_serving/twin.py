"""A twin: questions in, cited answers out. Every surface sits on this."""

import logging
import threading
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import cached_property
from time import perf_counter
from typing import Any, cast

import anyio
from anyio import CapacityLimiter, to_thread

from twin_assets.embedding import embedder_for
from twin_assets.errors import ModelServerError, StorageError, TwinError
from twin_assets.settings import TwinSettings
from twin_assets.words import as_unicode
from twin_serving.answering import Answerer, Piece, Written
from twin_serving.answers import Answer, Event
from twin_serving.audit import AuditEntry, AuditLog, open_audit_log
from twin_serving.catalog import Catalog, open_catalog
from twin_serving.governance import Policy, Verdict, load_policy
from twin_serving.llm import Message, create_model
from twin_serving.record import Record
from twin_serving.retrieval import Retrieval, RetrievalOptions
from twin_serving.retrieval.pipeline import Retriever
from twin_serving.telemetry import Telemetry

_log = logging.getLogger(__name__)

NOTHING_FITTING = (
    "Nothing fitting was found in what is indexed. "
    "Try other words, or name an author that has written about it."
)
_LEFT = "the asker left before the answer was whole"


class Twin:
    """Answers questions from the index that the Dagster instance of its home vouches for."""

    def __init__(self, settings: TwinSettings, catalog: Catalog | None = None) -> None:
        """Answer from the catalog, by default the one of the home that the settings name.

        Models are loaded at the first question.

        Raises:
            StorageError: the home cannot be used.
            BadInputError: a setting of the language model or the policy cannot be used.
        """
        self.settings = settings
        self.catalog = catalog or open_catalog(settings)
        self.model = create_model(settings)
        self.audit: AuditLog | None = open_audit_log(settings) if settings.audit else None
        self.telemetry = Telemetry()
        self.listeners: list[Callable[[AuditEntry], None]] = [self.telemetry.send]
        self._policy: Policy = load_policy(settings)
        self.threads = CapacityLimiter(settings.questions_at_once)
        # the limiter is one event loop's at a time, and each call without one makes its own
        self._one_loop = threading.Lock()

    @cached_property
    def retriever(self) -> Retriever:
        """The retrieval stages."""
        return Retriever(self.catalog, embedder_for(self.settings), self.settings, self.model)

    @cached_property
    def answerer(self) -> Answerer:
        """Who writes the answers."""
        if self.model is not None:
            from twin_serving.answering.generative import GenerativeAnswerer

            return GenerativeAnswerer(self.model, self.settings)
        from twin_serving.answering.extractive import ExtractiveAnswerer

        return ExtractiveAnswerer(embedder_for(self.settings))

    def retrieve(
        self,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message] = (),
        through: str = "python",
    ) -> Retrieval:
        """Return the passages, where no event loop runs; see :meth:`retrieve_async`."""
        with self._one_loop:
            return anyio.run(self.retrieve_async, question, options, history, through)

    async def retrieve_async(
        self,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message] = (),
        through: str = "python",
    ) -> Retrieval:
        """Return the passages for the question, which gets its row in the audit trail too.

        Raises:
            TwinError: as :meth:`Retriever.retrieve`.
        """
        question, history = _as_unicode(question, history)
        async with self._recorded(question, through) as record:
            await self._find(record, question, options, history)
            assert record.retrieval is not None  # noqa: S101
            return record.retrieval

    def ask(
        self,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message] = (),
        through: str = "python",
    ) -> Answer:
        """Return the cited answer, where no event loop runs; see :meth:`stream`."""
        with self._one_loop:
            return anyio.run(self.ask_async, question, options, history, through)

    async def ask_async(
        self,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message] = (),
        through: str = "python",
    ) -> Answer:
        """Return the cited answer; see :meth:`stream`."""
        *_, answer = [event async for event in self.stream(question, options, history, through)]
        return cast("Answer", answer)  # the stream always ends with it

    async def stream(
        self,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message] = (),
        through: str = "python",
    ) -> AsyncIterator[Event]:
        """Yield the retrieval, then the answer's pieces, then the whole answer.

        A language model that fails costs the answer, not the passages: the last event says what
        went wrong. Closing the iterator ends the request to the model. Every question gets its row
        in the audit trail, whatever becomes of it.

        Args:
            question: what is asked.
            options: the stages' options.
            history: the conversation so far.
            through: the surface that it is asked at, for the audit trail.

        Raises:
            TwinError: as :meth:`Retriever.retrieve`, before anything is yielded.
        """
        question, history = _as_unicode(question, history)
        async with self._recorded(question, through) as record:
            answering = self._answer(record, question, options, history)
            async with aclosing(cast("Any", answering)):
                async for event in answering:
                    if isinstance(event, Answer):
                        await self._keep(record)
                    yield event

    @asynccontextmanager
    async def _recorded(self, question: str, through: str) -> AsyncIterator[Record]:
        """Keep the question's row at the end, whatever becomes of it."""
        record = Record(question, through)
        try:
            yield record
        except (CancelledError, GeneratorExit):
            record.fault = record.fault or _LEFT
            raise
        except Exception as error:
            # what is no fault of ours may hold anything, and is the server's log's
            own = isinstance(error, TwinError)
            record.fault = str(error) if own else f"a fault of the program ({type(error).__name__})"
            raise
        finally:
            await self._keep(record)

    async def _find(
        self,
        record: Record,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message],
    ) -> None:
        """Find the passages, in a thread, when it is the question's turn."""

        def find() -> Retrieval:
            return self.retriever.retrieve(question, options, history)  # the first one makes it

        record.retrieval = await to_thread.run_sync(find, limiter=self.threads)
        record.trace = record.retrieval.trace

    async def _answer(
        self,
        record: Record,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message],
    ) -> AsyncIterator[Event]:
        await self._find(record, question, options, history)
        retrieval = record.retrieval
        assert retrieval is not None  # noqa: S101
        yield retrieval
        started = perf_counter()
        first: float | None = None
        record.written = Written(self.answerer.provider)
        if retrieval.passages:
            # counting tokens takes the time of a long conversation's length
            turns = await to_thread.run_sync(self.retriever.recent, history) if history else ()
            writing = self.answerer.stream(retrieval, turns)
            try:
                async with aclosing(cast("Any", writing)):
                    async for piece in writing:
                        if isinstance(piece, Written):
                            record.written = piece
                            continue
                        first = perf_counter() - started if first is None else first
                        record.pieces.append(piece)
                        yield piece
            except ModelServerError as error:
                record.fault = str(error)
        else:
            record.pieces.append(Piece(NOTHING_FITTING))
            yield record.pieces[0]
        record.end(perf_counter() - started, first)
        await to_thread.run_sync(self._judge, record)
        yield record.answer()

    def _judge(self, record: Record) -> None:
        try:
            verdict: object = self._policy(record.question, record.text)  # anybody's function
            if not isinstance(verdict, Verdict):
                raise TypeError("it returned no Verdict")
            record.verdict = verdict
        except Exception as error:
            _log.exception("The policy failed")
            record.verdict = Verdict(False, f"the policy failed ({type(error).__name__})")

    async def _keep(self, record: Record) -> None:
        """Write the question into the audit trail and tell whoever listens, once.

        What was said before a fault, or until the asker left, is judged too. Whoever leaves
        meanwhile leaves it done.
        """
        if not record.kept:
            record.kept = True
            with anyio.CancelScope(shield=True):
                if record.pieces and record.verdict is None:
                    await to_thread.run_sync(self._judge, record)
                await to_thread.run_sync(self._tell, record.entry())

    def _tell(self, entry: AuditEntry) -> None:
        """Tell everybody; the answer is there, and worth more than what is told of it."""
        for listener in self.listeners:
            try:
                listener(entry)
            except Exception:
                _log.exception("A question could not be reported")
        if self.audit is not None:
            try:
                self.audit.record(entry)
            except StorageError as error:
                _log.error("%s", error)
            except Exception:
                _log.exception("A question could not be kept")


def _as_unicode(question: str, history: Sequence[Message]) -> tuple[str, list[Message]]:
    """Return both without lone surrogates, which neither a tokenizer nor SQLite takes."""
    turns = [replace(turn, content=as_unicode(turn.content)) for turn in history]
    return as_unicode(question), turns
