"""Asking a model from tests that are not asynchronous."""

import asyncio
from typing import Any

import anyio
import pytest

from twin_assets.errors import ModelServerError
from twin_serving.llm import Finish, LanguageModel, Message

ASKED = [Message("system", "Be brief."), Message("user", "Hello?")]


def complete(model: LanguageModel, **more: Any) -> str:
    """Return the model's whole answer."""

    async def ask() -> str:
        return await model.complete(ASKED, max_tokens=more.pop("max_tokens", 7), **more)

    return anyio.run(ask)


def streamed(
    model: LanguageModel, pieces: list[str] | None = None, most: int = 50
) -> tuple[list[str], Finish]:
    """Return the pieces of a streamed answer, and how it ended; pieces are added as they come."""
    pieces = [] if pieces is None else pieces

    async def ask() -> Finish:
        finish: Finish | None = None
        async for piece in model.stream(ASKED, max_tokens=most):
            if isinstance(piece, Finish):
                finish = piece
            else:
                pieces.append(piece)
        assert finish is not None
        return finish

    return pieces, anyio.run(ask)


def leave_after_one(model: LanguageModel) -> None:
    """Begin a streamed answer, and cancel it where the second piece is waited for."""

    async def ask() -> None:
        with anyio.CancelScope() as scope:
            async for _ in model.stream(ASKED, max_tokens=50):
                asyncio.get_running_loop().call_later(0.2, scope.cancel)

    anyio.run(ask)


def refusal(model: LanguageModel, kind: type[ModelServerError] = ModelServerError) -> str:
    """Return the one line that the model's fault comes to."""
    with pytest.raises(kind) as caught:
        complete(model)
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.__cause__ is None
    return line
