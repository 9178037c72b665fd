"""A model asked by so many at once, again after a fault that may pass, heard when it answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

from twin_assets.errors import ModelServerUnavailableError
from twin_serving.llm import Finish, LanguageModel, Message, ModelInfo
from twin_serving.llm.halves import Halves
from twin_serving.llm.thoughts import Thoughts

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5  # before the second attempt, twice as long before the third
_LONGEST_PAUSE_SECONDS = 10.0  # a server that wants to be left alone for longer is given up

_THINKING_TOKENS = 2000

_T = TypeVar("_T")


class GuardedModel:
    """A :class:`~twin_serving.llm.LanguageModel` round a provider's.

    Connections that fail, 429 and 5xx are tried again, nothing else; an answer of which something
    was passed on is not begun again. What the model thinks before it answers is passed over.
    """

    def __init__(self, model: LanguageModel, at_once: int, *, thinks: bool = False) -> None:
        """Ask ``model``, ``at_once`` requests at a time; further ones wait for their turn.

        A model that ``thinks`` begins its answers in a thought, and has tokens for it besides.
        """
        self._model = model
        self._thinks = thinks
        self._more = _THINKING_TOKENS if thinks else 0
        self._places = asyncio.Semaphore(at_once)
        self.provider = model.provider

    async def info(self) -> ModelInfo:
        """See :meth:`LanguageModel.info`."""
        return await _again(self._model.info)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """See :meth:`LanguageModel.complete`."""
        async with self._places:
            text = await _again(
                lambda: self._model.complete(
                    messages, max_tokens=max_tokens + self._more, schema=schema
                )
            )
        return _sifted(text, self._sieves(), ended=True)

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int
    ) -> AsyncIterator[str | Finish]:
        """See :meth:`LanguageModel.stream`."""
        async with self._places:
            for attempt in range(_ATTEMPTS):
                begun, sieves = False, self._sieves()
                answer = self._model.stream(messages, max_tokens=max_tokens + self._more)
                try:
                    async with aclosing(cast("Any", answer)):
                        async for piece in answer:
                            for said in _heard(piece, sieves):
                                begun = True
                                yield said
                except ModelServerUnavailableError as error:
                    if begun or not await _paused(error, attempt):
                        raise
                else:
                    return

    async def health(self) -> None:
        """See :meth:`LanguageModel.health`."""
        await self._model.health()

    def _sieves(self) -> Sequence[Thoughts | Halves]:
        return Thoughts(thinking=self._thinks), Halves()


def _heard(piece: str | Finish, sieves: Sequence[Thoughts | Halves]) -> Iterator[str | Finish]:
    """Yield what is certain with a streamed answer's piece."""
    if isinstance(piece, Finish):
        if rest := _sifted("", sieves, ended=True):
            yield rest
        yield piece
    elif text := _sifted(piece, sieves, ended=False):
        yield text


def _sifted(text: str, sieves: Sequence[Thoughts | Halves], *, ended: bool) -> str:
    """Return what the sieves let through of this much more, and what they held if it has ended."""
    for sieve in sieves:
        text = sieve.feed(text) + (sieve.end() if ended else "")
    return text


async def _again(call: Callable[[], Awaitable[_T]]) -> _T:
    for attempt in range(_ATTEMPTS - 1):
        try:
            return await call()
        except ModelServerUnavailableError as error:
            if not await _paused(error, attempt):
                raise
    return await call()


async def _paused(error: ModelServerUnavailableError, attempt: int) -> bool:
    """Wait before the next attempt; return False if there is to be none."""
    pause = error.retry_after or _PAUSE_SECONDS * 2**attempt
    if attempt == _ATTEMPTS - 1 or pause > _LONGEST_PAUSE_SECONDS:
        return False
    await asyncio.sleep(pause)
    return True
