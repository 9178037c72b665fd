"""What a database's client raises, as one line that says what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from twin_assets.errors import StorageError, StorageUnavailableError, TwinError

_UNANSWERED = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
_PASSING = (429, 502, 503, 504)  # a server that is busy, or a proxy that does not reach it


@contextmanager
def as_one_line(line: Callable[[Exception], str]) -> Iterator[None]:
    """Turn whatever is raised in the block, our own errors aside, into what ``line`` says of it.

    Clients raise a dozen kinds, plain Exception and AssertionError among them.

    Raises:
        StorageError: something went wrong in the block.
        StorageUnavailableError: a server did not answer.
    """
    try:
        yield
    except TwinError:
        raise
    except Exception as error:
        kind = StorageUnavailableError if is_of_the_network(error) else StorageError
        raise kind(line(error)) from error


def is_of_the_network(error: BaseException | None) -> bool:
    """Tell whether the error, or what led to it, is that no answer came."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, httpx.TransportError | ConnectionError | TimeoutError):
            return True
        if getattr(error, "status_code", None) in _PASSING:
            return True
        code = getattr(error, "code", None)  # of gRPC, a method
        if callable(code) and getattr(code(), "name", "") in _UNANSWERED:
            return True
        # the Qdrant client keeps what httpx raised to itself
        error = getattr(error, "source", None) or error.__cause__ or error.__context__
    return False


def first_line(error: Exception) -> str:
    """Return the beginning of what the error says, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), "")[:200].rstrip(".") or type(error).__name__
