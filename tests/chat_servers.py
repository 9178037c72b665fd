"""A stand-in for a server of OpenAI's chat completions: the real protocol on a real socket."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BREAK_OFF = "…"  # a streamed reply ends at this word as if the server had died
FAILED = "⚡"  # a fault comes as an event in this word's place, as vLLM sends one

Reply = Callable[[dict[str, Any]], str]


class Refused(Exception):  # noqa: N818  # it is what a reply raises, not an error of the tests
    """Answers with a status and a body instead."""

    def __init__(self, status: int, body: bytes = b"{}") -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass
class ChatServer:
    """What the server answers, and the requests that it got."""

    reply: Reply = lambda request: "Hello."
    models: list[dict[str, Any]] | None = field(
        default_factory=lambda: [{"id": "tiny", "object": "model", "max_model_len": 2048}]
    )
    key: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    refused_headers: dict[str, str] = field(default_factory=dict)
    broken_off: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextmanager
def running_chat(server: ChatServer) -> Iterator[ChatServer]:
    """Run the server; a reply is streamed word by word where that is asked for."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a connection a request, so that none outlives the server

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            if server.models is None:
                return self._answer(b"{}", 404)
            return self._answer(json.dumps({"object": "list", "data": server.models}).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if server.key and self.headers["authorization"] != f"Bearer {server.key}":
                said = {"error": {"message": f"Incorrect key {self.headers['authorization']}"}}
                return self._answer(json.dumps(said).encode(), 401)
            request = json.loads(body)
            server.requests.append(request)
            try:
                text = server.reply(request)
            except Refused as refused:
                return self._answer(refused.body, refused.status)
            if request.get("stream"):
                return self._stream(text)
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return self._answer(json.dumps(_chunk("chat.completion", choice)).encode())

        def _answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            for name, value in server.refused_headers.items() if status != 200 else ():
                self.send_header(name, value)
            self.end_headers()
            with suppress(BrokenPipeError):  # nobody waits for it any more
                self.wfile.write(body)

        def _stream(self, text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(1 << 40))  # so that an early end is one
            self.end_headers()
            self.close_connection = True
            try:
                for word in text.split(" "):
                    if word == FAILED:
                        fault = {"error": {"message": "engine is dead", "code": 500}}
                        self.wfile.write(f"data: {json.dumps(fault)}\n\n".encode())
                        return
                    choice = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
                    event = json.dumps(_chunk("chat.completion.chunk", choice))
                    self.wfile.write(f"data: {event}\n\n".encode())
                    self.wfile.flush()
                    if word == BREAK_OFF:
                        return
                said = len(text.split(" "))
                end = {"index": 0, "delta": {}, "finish_reason": "stop"}
                usage = {"prompt_tokens": 2, "completion_tokens": said, "total_tokens": said + 2}
                for chunk in (
                    _chunk("chat.completion.chunk", end),
                    _chunk("chat.completion.chunk") | {"usage": usage},
                ):
                    self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")
            except OSError:
                server.broken_off.set()

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, args=[0.01])
    thread.start()
    server.url = f"http://127.0.0.1:{listener.server_address[1]}/v1"
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        with suppress(RuntimeError):
            thread.join()


def _chunk(kind: str, *choices: dict[str, Any]) -> dict[str, Any]:
    return {"id": "1", "object": kind, "created": 1, "model": "tiny", "choices": list(choices)}
