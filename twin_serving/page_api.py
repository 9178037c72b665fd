"""The twins by name for Gradio's clients, in Python and JavaScript: ``/ask`` and ``/retrieve``."""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import signature
from typing import Any

from gradio import Error
from gradio.events import api
from pydantic import ValidationError, validate_call

from twin_serving.tools import Tools
from twin_serving.twin import Twin


def add_endpoints(twin: Twin) -> None:
    """Add the endpoints to the page that is being built."""
    tools = Tools(twin, "gradio", _refusal)
    for tool in (tools.ask, tools.retrieve):
        api(_checked(tool), api_name=tool.__name__, concurrency_limit=None)


def _checked(tool: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the tool for arguments as they come: Gradio checks none."""
    validated, names = validate_call(tool), list(signature(tool).parameters)

    @wraps(tool)
    async def checked(*arguments: Any) -> Any:
        try:
            return await validated(**dict(zip(names, arguments, strict=True)))
        except ValidationError as error:  # what was sent is not repeated: it may be long
            first = error.errors()[0]
            raise _refusal(f"{first['loc'][0]}: {first['msg']}.") from None

    return checked


def _refusal(line: str) -> Exception:
    return Error(line, print_exception=False)
