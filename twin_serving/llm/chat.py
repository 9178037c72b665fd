"""Chat completions, whichever client speaks them: OpenAI's form, which TGI keeps to."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

from twin_serving.llm import Finish, Message
from twin_serving.llm.faults import ModelServer


def as_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the messages as a request holds them."""
    return [{"role": m.role, "content": m.content} for m in messages]


def text_of(completion: Any, server: ModelServer) -> str:
    """Return what a whole completion says.

    Raises:
        ModelServerError: it says nothing.
    """
    choices = getattr(completion, "choices", None)
    text = choices[0].message.content if choices else None
    if not text:
        raise server.empty()
    return str(text)


async def pieces_of(chunks: AsyncIterable[Any], server: ModelServer) -> AsyncIterator[str | Finish]:
    """Yield the text of a streamed completion, then how it ended.

    Raises:
        ModelServerError: the stream ended without saying why, as one does that breaks off, or
            without a word.
    """
    spoke = False
    reason: str | None = None
    usage: Any = None
    async for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices[:1]:
            reason = choice.finish_reason or reason
            if choice.delta.content:
                spoke = True
                yield choice.delta.content
    if reason is None:
        raise server.unreachable()
    if not spoke:
        raise server.empty()
    if usage is None:
        yield Finish(reason)
    else:
        yield Finish(reason, usage.prompt_tokens, usage.completion_tokens)
