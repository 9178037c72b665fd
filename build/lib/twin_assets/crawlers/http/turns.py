"""Politeness: one request at a time a host, with a pause between, and longer when it asks."""

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock

from twin_assets.crawlers.http.faults import FetchError, Reason

_YEAR = 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks and the sleep that waiting goes by; tests bring their own."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


class Deadline:
    """When a link's time is over. Waiting for the host's turn is not counted."""

    def __init__(self, seconds: float, timing: Timing) -> None:
        self._timing = timing
        self._ends = timing.clock() + seconds

    def seconds_left(self) -> float:
        """Return how many seconds are left; zero or less when none are."""
        return self._ends - self._timing.clock()

    def extend(self, seconds: float) -> None:
        """Give the link more time."""
        self._ends += seconds


@dataclass
class _Host:
    delay: float
    lock: Lock = field(default_factory=Lock)
    last_end: float = -math.inf
    quiet_until: float = -math.inf


class Turns:
    """Gives each host's turns, to one thread at a time.

    Args:
        delay: seconds from the end of a host's answer to the next request.
        longest_wait: a host that asks for a longer pause is not asked again before it ends.
        timing: the clocks.
    """

    def __init__(self, delay: float, longest_wait: float, timing: Timing) -> None:
        self._delay = delay
        self._longest_wait = longest_wait
        self._timing = timing
        self._lock = Lock()
        self._hosts: dict[str, _Host] = {}

    @contextmanager
    def turn(self, host: str, deadline: Deadline) -> Iterator[None]:
        """Wait for the host's turn and hold it; the deadline moves by what that took.

        A fault that says when to come back keeps the whole host quiet until then.

        Raises:
            FetchError: the host asked for a longer pause than is waited for.
        """
        came = self._timing.clock()
        state = self._state(host)
        with state.lock:
            self._wait(state)
            deadline.extend(self._timing.clock() - came)
            try:
                yield
            except FetchError as error:
                if error.until is not None:
                    wait = error.until.timestamp() - self._timing.now()
                    state.quiet_until = self._timing.clock() + wait
                raise
            finally:
                state.last_end = self._timing.clock()

    def slow_down(self, host: str, delay: float) -> None:
        """Leave at least so many seconds between the host's requests, as far as is waited for."""
        state = self._state(host)
        state.delay = max(self._delay, min(delay, self._longest_wait))

    def _state(self, host: str) -> _Host:
        with self._lock:
            return self._hosts.setdefault(host, _Host(self._delay))

    def _wait(self, state: _Host) -> None:
        quiet = state.quiet_until - self._timing.clock()
        if quiet > self._longest_wait:
            until = moment(self._timing.now() + quiet)
            raise FetchError(Reason.RATE_LIMITED, f"the host asks for a pause{when(until)}", until)
        wait = max(quiet, state.last_end + state.delay - self._timing.clock())
        if wait > 0:
            self._timing.sleep(wait)


def asked_to_return(headers: Mapping[str, str], now: float) -> datetime | None:
    """Return when the answer's headers ask to come back, or None where they do not.

    ``Retry-After`` in seconds or as a date, or a used-up ``X-RateLimit-Remaining``.
    """
    after = headers.get("retry-after", "").strip()
    if after:
        return _after(after, now)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining", "").strip() == "0" and _is_number(reset):
        return moment(min(max(now, float(reset)), now + _YEAR))
    return None


def _after(value: str, now: float) -> datetime | None:
    if _is_number(value):
        return moment(now + min(float(value), _YEAR))
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return moment(min(max(now, seconds), now + _YEAR))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,20}", text, re.ASCII) is not None


def moment(seconds: float) -> datetime:
    """Return the time of so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def when(until: datetime | None) -> str:
    """Return the words for a time to come back, or none."""
    return f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
