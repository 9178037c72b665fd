"""One request and its answer.

It stands on httpcore, httpx's own engine: here the address that is connected to has to be chosen,
and httpx's client logs whole links, which may be signed. Proxies of the environment are not used,
since a proxy would resolve and connect in this client's place, unchecked.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import httpcore
import httpx

from twin_assets.crawlers.http.addresses import Resolve
from twin_assets.crawlers.http.bodies import ACCEPT_ENCODING, too_large, unpacked
from twin_assets.crawlers.http.faults import FetchError, Reason
from twin_assets.crawlers.http.network import GuardedBackend
from twin_assets.crawlers.http.options import HttpOptions
from twin_assets.crawlers.http.turns import Deadline, asked_to_return, when

# Its debug lines show where redirects lead, signatures and all.
logging.getLogger("httpcore").setLevel(logging.INFO)

_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_NO_ACCESS = {401, 403, 999}  # 999 is LinkedIn's
_MAY_SAY_WHEN = {403, 429, 503}
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")

# a stream serves one link after another, and each has its own deadline
_deadline: ContextVar[Deadline] = ContextVar("the deadline of the link that this thread fetches")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a server gave to recognise a page by, on an earlier visit."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, wherever redirects lead.

    ``accept`` are media types of text, any when empty. The body goes to ``file`` where one is
    given. With ``cut`` a body over the limit is cut instead of refused.
    """

    max_bytes: int
    accept: tuple[str, ...] = ()
    remembered: Remembered = field(default_factory=Remembered)
    file: Path | None = None
    cut: bool = False
    robots: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer, a redirect or "not modified"; every other answer is a fault."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def location(self) -> str | None:
        """Where the answer redirects to."""
        return self.headers["location"] if self.status in _REDIRECTS else None


class Exchange:
    """Sends requests over connections that are kept open, and reads the answers within bounds."""

    def __init__(
        self,
        options: HttpOptions,
        resolve: Resolve,
        network: httpcore.NetworkBackend,
        now: Callable[[], float],
    ) -> None:
        self._options = options
        self._now = now
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=30,
            network_backend=GuardedBackend(
                resolve,
                network,
                lambda: _deadline.get().seconds_left(),
                allow_private=options.allow_private,
            ),
        )

    def close(self) -> None:
        """Close the connections that were kept open."""
        self._pool.close()

    def ask(
        self, url: httpx.URL, headers: Mapping[str, str], wish: Wish, deadline: Deadline
    ) -> Reply:
        """Send one request and return the answer.

        Raises:
            FetchError: there is no good answer.
            OSError: the wish's file cannot be written.
        """
        options = self._options
        timeouts = {
            "connect": options.connect_seconds,
            "read": options.read_seconds,
            "write": options.read_seconds,
        }
        where = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        every = self._headers(url, wish)
        every.update(headers)
        with (
            _told_as_faults(deadline),
            self._pool.stream(
                "GET", where, headers=every.raw, extensions={"timeout": timeouts}
            ) as response,
        ):
            return self._read(response, wish)

    def _headers(self, url: httpx.URL, wish: Wish) -> httpx.Headers:
        headers = httpx.Headers(
            {
                "Host": url.netloc.decode("ascii"),
                "User-Agent": self._options.user_agent,
                "Accept": ", ".join([*wish.accept, "*/*;q=0.1"] if wish.accept else ["*/*"]),
                "Accept-Encoding": ACCEPT_ENCODING,
            }
        )
        if etag := sendable(wish.remembered.etag):
            headers["If-None-Match"] = etag
        if last_modified := sendable(wish.remembered.last_modified):
            headers["If-Modified-Since"] = last_modified
        return headers

    def _read(self, response: httpcore.Response, wish: Wish) -> Reply:
        headers = httpx.Headers(response.headers)
        headers.pop("set-cookie", None)  # cookies are not kept, and some are secrets
        status = response.status
        conditional = wish.remembered.etag or wish.remembered.last_modified
        if (status in _REDIRECTS and "location" in headers) or (status == 304 and conditional):
            return Reply(status, headers)
        if not 200 <= status < 300 or status == 206:
            raise _fault(status, headers, self._now())
        _check_type(headers, wish)
        length = headers.get("content-length", "0")
        if not wish.cut and (len(length) > 20 or int(length) > wish.max_bytes):
            raise too_large(wish.max_bytes)
        pieces = unpacked(
            response.iter_stream(), headers.get("content-encoding", ""), wish.max_bytes
        )
        if wish.file is not None:
            with wish.file.open("wb") as file:
                file.writelines(pieces)
            return Reply(status, headers)
        body = _joined(pieces, cut=wish.cut)
        if wish.accept and _is_binary(body):
            raise FetchError(Reason.CONTENT_TYPE, "the body is not text")
        return Reply(status, headers, body)


@contextmanager
def _told_as_faults(deadline: Deadline) -> Iterator[None]:
    """Keep the deadline for what happens within, and tell httpcore's exceptions as faults."""
    token = _deadline.set(deadline)
    try:
        yield
    except httpcore.TimeoutException:
        raise FetchError(Reason.TIMED_OUT, "the server did not answer in time") from None
    except httpcore.ConnectError:
        raise FetchError(Reason.UNREACHABLE, "no connection could be made") from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise FetchError(Reason.BROKEN, "the connection broke off") from None
    finally:
        _deadline.reset(token)


def _fault(status: int, headers: Mapping[str, str], now: float) -> FetchError:
    until = asked_to_return(headers, now) if status in _MAY_SAY_WHEN else None
    answers = f"the server answers {status}"
    if status in _GONE:
        return FetchError(Reason.GONE, answers)
    if status == 429 or (status == 403 and until):
        return FetchError(Reason.RATE_LIMITED, f"the server asks for a pause{when(until)}", until)
    if status in _NO_ACCESS:
        return FetchError(Reason.LOGIN_WALL, f"{answers}: it shows this only after a login")
    if 500 <= status < 600 or status == 408:
        return FetchError(Reason.SERVER_FAULT, f"{answers}{when(until)}", until)
    if 400 <= status < 500:
        return FetchError(Reason.REFUSED, answers)
    return FetchError(Reason.BROKEN, f"{answers}, which was not asked for")


def _check_type(headers: Mapping[str, str], wish: Wish) -> None:
    """Refuse a body by its type before it is read. Without one, the body is looked at later."""
    media_type = media_type_of(headers)
    if wish.accept and media_type and media_type not in wish.accept:
        raise FetchError(Reason.CONTENT_TYPE, f"this is {media_type}, not {wish.accept[0]}")


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the media type in small letters, or "" where the server names none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def sendable(value: str | None) -> str | None:
    """Return a header's value if it can be sent as it is, and None otherwise."""
    return value if value and value.isascii() and value.isprintable() else None


def _is_binary(body: bytes) -> bool:
    if body.startswith(_BINARY):
        return True
    is_wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    return b"\0" in body[:1024] and not is_wide


def _joined(pieces: Iterator[bytes], *, cut: bool) -> bytes:
    parts: list[bytes] = []
    try:
        parts.extend(pieces)
    except FetchError as error:
        if not cut or error.reason is not Reason.TOO_LARGE:
            raise
    return b"".join(parts)
