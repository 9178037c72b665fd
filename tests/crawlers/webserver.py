"""A web as tests need it: real servers on 127.0.0.1, names that lead to them, and their faults."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpcore

from twin_assets.crawlers.http.turns import Timing


class ManualTime:
    """A clock that stands still until someone sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []
        self.timing = Timing(self.clock, self.sleep, self.now)

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> float:
        return 1_750_000_000 + self.seconds


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it; header names in small letters."""

    target: str
    headers: Mapping[str, str]
    at: float

    @property
    def host(self) -> str:
        return self.headers["host"]


@dataclass(frozen=True)
class Answer:
    """What is answered. A body in pieces is sent as they come, without a length.

    ``raw`` bytes are sent as they are, instead of all else.
    """

    body: bytes | str | Iterable[bytes] = b""
    status: int = 200
    type: str | None = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Iterable[bytes] | None = None


Page = Answer | Callable[[Seen], Answer]


class WebServer:
    """Serves what is registered, and keeps the requests.

    Pages may differ by host: ``add("https://a.example/x", ...)`` goes before ``add("/x", ...)``.
    A request with the ETag that a page has is answered with 304. ``/robots.txt`` is 404 unless it
    is registered.
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.requests: list[Seen] = []
        self.stopping = threading.Event()
        self._pages: dict[str, Page] = {}
        self._clock = clock
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.stop()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def link(self, path: str = "/") -> str:
        """Return a link that needs no made-up name: it names 127.0.0.1 and the port."""
        return f"http://127.0.0.1:{self.port}{path}"

    def add(self, link: str, page: Page | str) -> None:
        """Answer a path, or a whole link, with a page; a text is an HTML page."""
        self._pages[link.partition("://")[2] or link] = (
            Answer(page) if isinstance(page, str) else page
        )

    def targets(self) -> list[str]:
        """Return what was asked for, robots.txt aside."""
        return [seen.target for seen in self.requests if seen.target != "/robots.txt"]

    def stall(self, seen: Seen) -> Answer:
        """Answer nothing at all, for as long as the server runs."""
        self.stopping.wait()
        return Answer(raw=())

    def drip(self, before: bytes, each: bytes) -> Answer:
        """Answer with ``before`` and then a little at a time, without end."""

        def pieces() -> Iterator[bytes]:
            yield before
            while not self.stopping.wait(0.02):
                yield each

        return Answer(raw=pieces())

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        seen = Seen(target, headers, self._clock())
        self.requests.append(seen)
        page = self._pages.get(seen.host + target) or self._pages.get(target)
        if page is None:
            return Answer("not here", 404)
        answer = page(seen) if callable(page) else page
        etag = answer.headers.get("ETag")
        if etag is not None and headers.get("if-none-match") == etag:
            return Answer(status=304, type=None, headers=answer.headers)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, web: WebServer) -> None:
        self.web = web
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        self.shutdown()
        for connection in list(self._connections):  # those that a client keeps open
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be quiet about clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.web.answer(self.path, headers)
        if answer.raw is not None:
            self.close_connection = True
            self._send(answer.raw)
            return
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response_only(answer.status, "Answer")
        if answer.type is not None:
            self.send_header("Content-Type", answer.type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            if answer.status != 304:
                self.send_header("Content-Length", str(len(body)))
            body = [body]
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self._send(body)

    def _send(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            if self.server.web.stopping.is_set():
                return
            self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class LocalNetwork(httpcore.SyncBackend):
    """The Internet: each name has a public address, behind which a local server stands.

    Give its ``resolve`` and itself to the client. An https link reaches the same server without
    TLS; the names that certificates would be checked for are kept.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.connected: list[str] = []
        self.certificates: list[str | None] = []
        self.routes: dict[str, int] = {}

    def add(self, name: str, server: WebServer) -> str:
        """Let the name lead to the server, and return the address that it got."""
        address = f"93.184.216.{len(self.routes) + 1}"
        self.names[name] = [address]
        self.routes[address] = server.port
        return address

    def resolve(self, host: str, port: int) -> list[str]:
        if host not in self.names:
            raise OSError(f"{host} is not known")
        return self.names[host]

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> "_Plain":
        self.connected.append(host)
        if host not in self.routes:
            raise httpcore.ConnectError
        stream = super().connect_tcp("127.0.0.1", self.routes[host], *args, **options)
        return _Plain(stream, self.certificates)


@dataclass
class _Plain(httpcore.NetworkStream):
    stream: httpcore.NetworkStream
    certificates: list[str | None]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, timeout)

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self.certificates.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        return None if info == "ssl_object" else self.stream.get_extra_info(info)


def redirect(location: str, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(status=status, headers={"Location": location})


def endless(piece: bytes = b"<p>and so on</p>" * 1000) -> Answer:
    """Return a page without end."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield piece

    return Answer(pieces())


def gzip_bomb(megabytes: int = 100) -> Answer:
    """Return a small page that unpacks to a large one."""
    return Answer(
        gzip.compress(bytes(megabytes * 1024 * 1024)), headers={"Content-Encoding": "gzip"}
    )


def in_turn(*answers: Answer) -> Callable[[Seen], Answer]:
    """Return a page that gives one answer after the other, and then the last for ever."""
    left = list(answers)
    return lambda seen: left.pop(0) if len(left) > 1 else left[0]
