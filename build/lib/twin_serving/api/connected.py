"""Work that ends when whoever asked for it has left."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from fastapi import Request

_T = TypeVar("_T")


class LeftError(Exception):
    """The client closed the connection before the answer was there."""


async def while_connected(request: Request, work: Callable[[], Awaitable[_T]]) -> _T:
    """Return what the work gives; it is cancelled as soon as the client leaves.

    A response that is streamed is cancelled by the server itself; one that is awaited is not.

    Raises:
        LeftError: the client left.
    """
    results: list[_T] = []

    async def watch(scope: anyio.CancelScope) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(watch, group.cancel_scope)
            results.append(await work())
            group.cancel_scope.cancel()
    except BaseExceptionGroup as faults:  # as a task group wraps the one that the work ends with
        raise faults.exceptions[0] from None
    if not results:
        raise LeftError
    return results[0]
