"""A stand-in for a language model's server: OpenAI's chat completions at a fixed speed.

No model is behind it. A token comes when the clock says so, however many are asked for at once, as
from a server that has room for all of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MODEL = "stand-in"


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds to the first token and for each further one; tokens of an answer and of a reply.

    A reply is what the model is asked for before the answer: other words for the question.
    """

    first: float = 0.02
    token: float = 0.02
    answer: int = 64
    reply: int = 24

    def seconds(self, tokens: int) -> float:
        """Return how long so many tokens take."""
        return self.first + (tokens - 1) * self.token


def make_app(speed: Speed) -> Starlette:
    """Return the server's application."""

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def completions(request: Request) -> Response:
        asked = await request.json()
        if asked.get("stream"):
            return StreamingResponse(_answer(speed), media_type="text/event-stream")
        await asyncio.sleep(speed.seconds(speed.reply))
        said = {"phrasings": ["In other words", "Said differently"]}
        message = {"role": "assistant", "content": json.dumps(said)}
        return JSONResponse(_completion("chat.completion", message=message, finish_reason="stop"))

    return Starlette(
        routes=[
            Route("/v1/models", models),
            Route("/v1/chat/completions", completions, methods=["POST"]),
        ]
    )


async def _answer(speed: Speed) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    started = clock()
    for number in range(speed.answer):
        text = " [1]." if number == speed.answer - 1 else " word"
        delta = {"role": "assistant", "content": text}
        due = started + speed.seconds(number + 1)
        await asyncio.sleep(due - clock())
        yield _event(_completion("chat.completion.chunk", delta=delta, finish_reason=None))
    yield _event(_completion("chat.completion.chunk", delta={}, finish_reason="stop"))
    yield "data: [DONE]\n\n"


def _completion(kind: str, **choice: Any) -> dict[str, Any]:
    choices = [{"index": 0, **choice}]
    return {"id": "1", "object": kind, "created": 1, "model": MODEL, "choices": choices}


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
