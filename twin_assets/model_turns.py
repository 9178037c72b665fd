"""Models take turns: one reads at a time in a process, with all cores, short texts before long."""

import threading
from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from time import monotonic

# So long a text waits for shorter ones that come after it. The few words of a question are read
# before the passages of many others, and nobody waits without end.
_SECONDS_A_TOKEN = 0.0005


class Turns:
    """Lets one at a time in, in the order of coming, but those with little to read before others.

    A model reads with all cores at once. Many that read at the same time are no faster for it: each
    has threads and memory of its own, which was 400 MB with 16 questions at once, and whatever else
    the process does waits for all of them.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Nobody waits yet; ``clock`` tells the seconds."""
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int]] = []
        self._numbers = count()
        self._busy = False

    @contextmanager
    def turn(self, tokens: int) -> Iterator[None]:
        """Wait for the turn, and have it until the block ends.

        Args:
            tokens: what there is to read, roughly.
        """
        ticket = (self._clock() + tokens * _SECONDS_A_TOKEN, next(self._numbers))
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
