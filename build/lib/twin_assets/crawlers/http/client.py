"""The one HTTP client of the crawlers: polite, bounded, and kept away from private addresses."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpcore
import httpx

from twin_assets.crawlers.http.addresses import Resolve, resolve
from twin_assets.crawlers.http.charsets import decode
from twin_assets.crawlers.http.exchange import (
    Exchange,
    Remembered,
    Reply,
    Wish,
    media_type_of,
    sendable,
)
from twin_assets.crawlers.http.faults import FetchError, Reason
from twin_assets.crawlers.http.options import HttpOptions
from twin_assets.crawlers.http.robots import MAX_BYTES, RobotsCache
from twin_assets.crawlers.http.turns import Deadline, Timing, Turns
from twin_assets.crawlers.http.urls import origin, redirected, shown, target, web_url
from twin_assets.errors import BadInputError, StorageError

HTML = ("text/html", "application/xhtml+xml")
FEED = (
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/xml",
    "text/xml",
)

_TRANSIENT = {
    Reason.UNREACHABLE,
    Reason.TIMED_OUT,
    Reason.RATE_LIMITED,
    Reason.SERVER_FAULT,
    Reason.BROKEN,
}
_LOGIN_PAGES = {"authwall", "login", "signin", "sign-in", "sign_in"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer.

    Attributes:
        link: where it came from, after redirects.
        unchanged: the page is as it was when it was remembered (304); there is no body.
        body: the unpacked bytes; empty when they went to a file.
        content_type: the media type in small letters, or "" where the server names none.
        charset: the charset that the server names.
        remembered: for the next visit.
        headers: the answer's headers, found by name in any case.
    """

    link: str
    unchanged: bool
    body: bytes = field(repr=False)
    content_type: str
    charset: str | None
    remembered: Remembered
    headers: Mapping[str, str] = field(repr=False)

    def text(self) -> str:
        """Return the body as text, whatever its labels say; what cannot be read is U+FFFD."""
        return decode(self.body, self.charset)


class HttpClient:
    """Fetches links. Several threads may use one client; at one host they wait for each other.

    Args:
        options: how it behaves.
        resolve: from a host name to its IP addresses.
        timing: the clocks and the sleep that waiting goes by.
        network: what makes connections to the addresses that passed.
        jitter: returns a number from 0 to 1 that a pause before a retry grows by.
    """

    def __init__(
        self,
        options: HttpOptions | None = None,
        *,
        resolve: Resolve = resolve,
        timing: Timing | None = None,
        network: httpcore.NetworkBackend | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._options = options = options or HttpOptions()
        self._timing = timing = timing or Timing()
        self._jitter = jitter
        self._turns = Turns(options.delay_seconds, options.longest_wait_seconds, timing)
        self._exchange = Exchange(options, resolve, network or httpcore.SyncBackend(), timing.now)
        name = re.match("[A-Za-z_-]*", options.user_agent)
        self._robots = RobotsCache(self._read_robots, name[0] if name else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that were kept open."""
        self._exchange.close()

    def get(
        self,
        link: str,
        *,
        remembered: Remembered | None = None,
        accept: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        api: bool = False,
    ) -> Fetched:
        """Fetch a page.

        Args:
            link: an http or https link.
            remembered: from the last visit; a page that is still the same is not sent again.
            accept: the media types of text that will do, any when empty.
            headers: sent to the link's own origin, never to another that it redirects to.
            api: the link is one of a documented API. Those are made for programs, and robots.txt,
                made for crawlers of pages, is not asked.

        Raises:
            FetchError: it cannot be had.
            BadInputError: a header has characters that headers cannot have.
        """
        wish = Wish(self._options.max_bytes, accept, remembered or Remembered(), robots=not api)
        return self._fetch(link, headers or {}, wish, self._options.link_seconds)

    def stream_to(
        self,
        link: str,
        path: Path,
        *,
        max_bytes: int,
        seconds: float,
        remembered: Remembered | None = None,
        headers: Mapping[str, str] | None = None,
        api: bool = False,
    ) -> Fetched:
        """Fetch a link into a file, of ``max_bytes`` at most and in so many seconds in all.

        A file at ``path`` stays only where the answer was whole. The other arguments are as in
        ``get``.

        Raises:
            FetchError: it cannot be had.
            BadInputError: a header has characters that headers cannot have.
            StorageError: the file cannot be written.
        """
        wish = Wish(max_bytes, (), remembered or Remembered(), path, robots=not api)
        try:
            return self._fetch(link, headers or {}, wish, seconds)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise StorageError(f"{path} cannot be written: {error.strerror}.") from None
            raise

    def _read_robots(self, site: str) -> str:
        wish = Wish(MAX_BYTES, cut=True, robots=False)
        return self._fetch(f"{site}/robots.txt", {}, wish, self._options.link_seconds).text()

    def _fetch(self, link: str, headers: Mapping[str, str], wish: Wish, seconds: float) -> Fetched:
        if not all(map(sendable, headers.values())):
            raise BadInputError("A request header cannot be sent as it is: check the token.")
        first = url = web_url(link)
        deadline = Deadline(seconds, self._timing)
        seen = {url}
        while True:
            try:
                reply = self._ask_politely(url, headers, wish, deadline)
                if reply.location is None:
                    return _fetched(url, reply, wish.remembered)
                following = self._follow(reply.location, url, seen)
                if _leads_to_login(first, following):
                    raise FetchError(Reason.LOGIN_WALL, "the server shows this only after a login")
            except FetchError as error:
                if url == first:
                    raise
                message = f"after a redirect to {shown(url)}: {error}"
                raise FetchError(error.reason, message, error.until) from None
            if origin(following) != origin(url):
                headers = {}
            seen.add(following)
            url = following

    def _follow(self, location: str, url: httpx.URL, seen: set[httpx.URL]) -> httpx.URL:
        following = redirected(url, location)
        if following in seen:
            raise FetchError(Reason.REDIRECTS, "the redirects go round in a circle")
        most = self._options.max_redirects
        if len(seen) > most:
            raise FetchError(Reason.REDIRECTS, f"there are more than {most} redirects")
        return following

    def _ask_politely(
        self, url: httpx.URL, headers: Mapping[str, str], wish: Wish, deadline: Deadline
    ) -> Reply:
        """Ask as robots.txt and the host's turns allow, and again after a fault that may pass."""
        if wish.robots:
            self._obey_robots(url, deadline)
        attempt = 0
        while True:
            try:
                with self._turns.turn(url.host, deadline):
                    return self._exchange.ask(url, headers, wish, deadline)
            except FetchError as error:
                pause = self._pause_after(error, attempt, deadline)
                if pause is None:
                    raise
            self._timing.sleep(pause)
            attempt += 1

    def _pause_after(self, error: FetchError, attempt: int, deadline: Deadline) -> float | None:
        """Return the seconds to let pass before asking again, or None to give up."""
        options = self._options
        if error.reason not in _TRANSIENT or attempt == options.retries:
            return None
        if error.until is not None:  # the host's next turn comes no sooner
            asked = error.until.timestamp() - self._timing.now()
            return 0 if asked <= options.longest_wait_seconds else None
        pause: float = options.backoff_seconds * 2**attempt * (1 + self._jitter())
        return pause if pause < deadline.seconds_left() else None

    def _obey_robots(self, url: httpx.URL, deadline: Deadline) -> None:
        began = self._timing.clock()
        rules = self._robots.rules(origin(url))
        deadline.extend(self._timing.clock() - began)  # reading it is not this link's time
        if not rules.allows(target(url)):
            raise FetchError(Reason.ROBOTS, "robots.txt forbids it")
        if rules.delay is not None:
            self._turns.slow_down(url.host, rules.delay)


def _leads_to_login(link: httpx.URL, following: httpx.URL) -> bool:
    """Tell whether a page sends its readers to a login: a part of the new path alone says so."""
    parts = set(following.path.lower().split("/")) - set(link.path.lower().split("/"))
    return bool(parts & _LOGIN_PAGES)


def _fetched(url: httpx.URL, reply: Reply, before: Remembered) -> Fetched:
    charset = re.search(
        r"""charset\s*=\s*["']?([\w.:+-]+)""",
        reply.headers.get("content-type", ""),
        re.ASCII | re.I,
    )
    unchanged = reply.status == 304
    return Fetched(
        link=str(url),
        unchanged=unchanged,
        body=reply.body,
        content_type=media_type_of(reply.headers),
        charset=charset[1] if charset else None,
        remembered=Remembered(
            sendable(reply.headers.get("etag")) or (before.etag if unchanged else None),
            sendable(reply.headers.get("last-modified"))
            or (before.last_modified if unchanged else None),
        ),
        headers=reply.headers,
    )
