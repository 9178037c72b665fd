"""Asking a model from code that is not asynchronous: the retrieval stages run in threads."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio
from anyio import NoEventLoopError, from_thread

_T = TypeVar("_T")


def wait(call: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Return what the call gives, on the event loop that this thread works for.

    When the work that the thread does there is cancelled, so is the call. Where there is no such
    loop, as on the command line, one is run for the call.
    """
    try:
        return from_thread.run(call)
    except NoEventLoopError:
        return anyio.run(call)
