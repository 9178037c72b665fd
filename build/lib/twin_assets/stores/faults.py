"""What a database's client raises, as one line that says what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twin_assets.errors import StorageError, TwinError


@contextmanager
def as_one_line(line: Callable[[Exception], str]) -> Iterator[None]:
    """Turn whatever is raised in the block, our own errors aside, into what ``line`` says of it.

    Clients raise a dozen kinds, plain Exception and AssertionError among them.

    Raises:
        StorageError: something went wrong in the block.
    """
    try:
        yield
    except TwinError:
        raise
    except Exception as error:
        raise StorageError(line(error)) from error


def first_line(error: Exception) -> str:
    """Return the beginning of what the error says, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), "")[:200].rstrip(".") or type(error).__name__
