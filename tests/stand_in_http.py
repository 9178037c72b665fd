"""What the stand-ins of model servers share: a real socket, and a client that is watched."""

import json
import re
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BREAK_OFF = "…"  # a reply ends before this word as if the server had died
GARBAGE = "¿"  # bytes that are no JSON come in this word's place
STALL = "⏳"  # nothing more comes from this word on, until the client leaves
NO_JSON = b'{"no": \xff JSON'

_WATCHED_EVERY = 0.05  # seconds between two looks whether the client is still there
_SILENT_FOR = 10  # seconds after which a connection without a request is given up

Reply = Callable[[dict[str, Any]], str]
Refusal = tuple[int, dict[str, Any], dict[str, str]]  # status, body, headers


class ClientLeft(Exception):  # noqa: N818  # it ends an answer, it is no error of the tests
    """The client has closed its connection before the whole answer was sent."""


class BrokenOff(Exception):  # noqa: N818
    """The stand-in ends its answer here, as if it had died."""


@dataclass(kw_only=True)
class StandIn:
    """What a model server answers, and the requests that it got."""

    reply: Reply = lambda request: "Hello."
    pause_seconds: float = 0.0  # before each word
    refuse: list[Refusal] = field(default_factory=list)  # a request each, before all replies
    requests: list[dict[str, Any]] = field(default_factory=list)
    broken_off: threading.Event = field(default_factory=threading.Event)  # the client has left
    url: str = ""


class StandInHandler(BaseHTTPRequestHandler):
    """One request a connection, so that no connection outlives the server."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENT_FOR
    server: "_Listener"

    @property
    def stand_in(self) -> Any:
        return self.server.stand_in

    def answer(self, body: bytes) -> None:
        """Answer one POST request."""
        raise NotImplementedError

    def describe(self) -> None:
        """Answer one GET request."""
        self.send_body(b"", 404)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.describe()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            self.answer(body)
        except (ClientLeft, OSError):
            self.stand_in.broken_off.set()
        except BrokenOff:
            pass

    def start(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()

    def send_json(
        self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_body(json.dumps(value).encode(), status, headers)

    def send_body(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        length = {"content-length": str(len(body))}
        self.start(status, "application/json", {**length, **(headers or {})})
        self.wfile.write(body)

    def send_spoken(self, words: Sequence[str], value: Any) -> None:
        """Send JSON in one piece after the time that its words take; marks do what they say."""
        marks = {word.strip() for word in words}
        self.wait(self.stand_in.pause_seconds * len(words))
        if STALL in marks:
            self.wait(float("inf"))
        body = NO_JSON if GARBAGE in marks else json.dumps(value).encode()
        if BREAK_OFF in marks:
            self.start(200, "application/json", {"content-length": str(len(body))})
            self.wfile.write(body[: len(body) // 2])
            raise BrokenOff
        self.send_body(body)

    def start_stream(self, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.start(200, content_type, {"transfer-encoding": "chunked", **(headers or {})})

    def speak(self, word: str, event: dict[str, Any]) -> None:
        """Send the server-sent event of one word after its pause; marks do what they say."""
        self.wait(self.stand_in.pause_seconds)
        if word.strip() == BREAK_OFF:
            raise BrokenOff
        if word.strip() == STALL:
            self.wait(float("inf"))
        self.send_event(NO_JSON if word.strip() == GARBAGE else json.dumps(event).encode())

    def send_event(self, data: bytes) -> None:
        self.send_chunk(b"data:" + data + b"\n\n")  # no space after the colon, as TGI writes it

    def send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the client does or the server runs."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if _has_left(self.connection):
                raise ClientLeft
            if self.server.ended.wait(min(left, _WATCHED_EVERY)):
                raise BrokenOff


class _Listener(ThreadingHTTPServer):
    daemon_threads = False  # closing the server joins them

    def __init__(self, stand_in: StandIn, handler: type[StandInHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.stand_in = stand_in
        self.ended = threading.Event()
        self.faults: list[BaseException] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        fault = sys.exception()
        if fault is not None and not isinstance(fault, OSError):
            self.faults.append(fault)


@contextmanager
def running(stand_in: StandIn, handler: type[StandInHandler]) -> Iterator[None]:
    """Serve until the block ends; what went wrong in the stand-in itself is raised then."""
    listener = _Listener(stand_in, handler)
    thread = threading.Thread(target=listener.serve_forever, args=[0.01])
    thread.start()
    stand_in.url = f"http://127.0.0.1:{listener.server_address[1]}"
    try:
        yield
    finally:
        listener.ended.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
    if listener.faults:
        raise listener.faults[0]


def split_words(text: str) -> list[str]:
    """Return the words, each with the white space before it; together they are the text."""
    return re.findall(r"\s*\S+|\s+$", text)


def _has_left(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:  # it was reset
        return True
