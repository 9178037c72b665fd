"""One build, and one `twin up`, at a time on a home."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from twin_assets.errors import BadInputError, StorageError
from twin_assets.settings import TwinSettings


@contextmanager
def exclusive(settings: TwinSettings, what: str) -> Iterator[None]:
    """Hold the home's lock of this name; the system releases it however the process ends.

    Raises:
        BadInputError: another process holds it.
        StorageError: the lock file cannot be written.
    """
    path = settings.root / f"{what}.lock"
    try:
        file = path.open("w")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInputError(
                f"Another `twin {what}` is at work on {settings.root}. Wait for it, or end it."
            ) from None
        yield
