"""A language model writes the answer out of the passages, and its citations are checked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from twin_assets.errors import ContextTooLongError
from twin_assets.settings import TwinSettings
from twin_serving.answering import Piece, Written
from twin_serving.answering.citations import CitationFilter
from twin_serving.answering.prompts import build_prompt
from twin_serving.llm import Finish, LanguageModel, Message
from twin_serving.retrieval import Passage, Retrieval

_INSTRUCTIONS_TOKENS = 300  # of the prompt round the passages
# A generating model's tokens for one of the embedding model's: Llama's and GPT's vocabularies read
# prose in about as many, code and names in more.
_TOKENS_FOR_ONE = 1.3


class GenerativeAnswerer:
    """An :class:`~twin_serving.answering.Answerer` with a model behind a server."""

    def __init__(self, model: LanguageModel, settings: TwinSettings) -> None:
        """Answer by the model, with the prompt and the limits that the settings name."""
        self._model = model
        self._settings = settings
        self.provider = model.provider

    async def stream(
        self, retrieval: Retrieval, history: Sequence[Message]
    ) -> AsyncIterator[Piece | Written]:
        """See :meth:`Answerer.stream`.

        Passages that the model has no room for are left out, the last first; so is the history of a
        prompt that the server still calls too long.
        """
        info = await self._model.info()
        limit = info.context_tokens or self._settings.llm_context_tokens
        passages = self._fitting(retrieval.passages, history, limit)
        while True:
            try:
                answer = self._written(retrieval, passages, history, info.name)
                async with aclosing(cast("Any", answer)):
                    async for piece in answer:
                        yield piece
            except ContextTooLongError:
                if len(passages) == 1 and not history:
                    raise
                passages, history = passages[: max(1, len(passages) // 2)], ()
            else:
                return

    async def _written(
        self,
        retrieval: Retrieval,
        passages: Sequence[Passage],
        history: Sequence[Message],
        model: str,
    ) -> AsyncIterator[Piece | Written]:
        names = {p.author.slug: p.author.name for p in retrieval.index.partitions}
        question = retrieval.question if history else retrieval.searched
        prompt = build_prompt(self._settings.prompt, question, passages, names, history)
        citations = CitationFilter({passage.n: passage for passage in passages})
        finish = Finish()
        written = Written(self.provider, model, prompt, len(passages))
        yield written
        answer = self._model.stream(prompt, max_tokens=self._settings.answer_tokens)
        async with aclosing(cast("Any", answer)):
            async for text in answer:
                if isinstance(text, Finish):
                    finish = text
                    continue
                for piece in citations.feed(text):
                    yield piece
        for piece in citations.end():
            yield piece
        yield replace(
            written,
            finish=finish.reason,
            prompt_tokens=finish.prompt_tokens,
            answer_tokens=finish.answer_tokens,
            dropped=tuple(citations.dropped),
        )

    def _fitting(
        self, passages: Sequence[Passage], history: Sequence[Message], context_tokens: int
    ) -> Sequence[Passage]:
        """Return the first passages that the model has room for, one at least; 0 is any room."""
        if not context_tokens:
            return passages
        spent = self._settings.answer_tokens + _INSTRUCTIONS_TOKENS
        if history:
            spent += self._settings.history_tokens
        room = context_tokens - spent
        fitting: list[Passage] = []
        for passage in passages:
            room -= round(passage.candidate.tokens * _TOKENS_FOR_ONE)
            if room < 0 and fitting:
                break
            fitting.append(passage)
        return fitting
