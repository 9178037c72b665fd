"""Models take turns: one reads at a time in a process, with all cores, the shortest text first."""

import threading
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count


class Turns:
    """Lets one at a time in; of those who wait, the one with the least to read is next.

    A model reads with all cores at once. Many that read at the same time are no faster for it: each
    has threads and memory of its own, which was 400 MB with 16 questions at once, and whatever else
    the process does waits for all of them.
    """

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._numbers = count()
        self._busy = False

    @contextmanager
    def turn(self, tokens: int) -> Iterator[None]:
        """Wait for the turn, and have it until the block ends.

        Args:
            tokens: what there is to read, roughly.
        """
        ticket = (tokens, next(self._numbers))
        with self._changed:
            insort(self._waiting, ticket)
            try:
                self._changed.wait_for(lambda: not self._busy and self._waiting[0] == ticket)
                self._busy = True
            finally:  # also of one who is interrupted, and must not be waited for
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()


MODEL_TURNS = Turns()
