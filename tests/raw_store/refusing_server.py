"""A server that speaks as much of MongoDB's wire protocol as it takes to say no."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bson

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_HELLO: dict[str, Any] = {
    "ok": 1,
    "isWritablePrimary": True,
    "maxBsonObjectSize": 2**24,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 1000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
}
_GREETINGS = {"hello", "ismaster"}


@contextmanager
def refusing_server(code: int | None, message: str) -> Iterator[int]:
    """Yield the port of a server that answers all but a greeting with this error.

    With no code it says yes to everything, and does nothing.
    """
    answer = {"ok": 1} if code is None else {"ok": 0, "code": code, "errmsg": message}
    stopped = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while header := self.rfile.read(16):
                length, request, _, kind = struct.unpack("<iiii", header)
                body = self.rfile.read(length - 16)
                if stopped.is_set():
                    return
                # past flags and section kind, or past flags, the collection's name and two numbers
                start = 5 if kind == _OP_MSG else body.index(0, 4) + 9
                size = struct.unpack_from("<i", body, start)[0]
                command = next(iter(bson.decode(body[start : start + size])))
                reply = bson.encode(_HELLO if command.lower() in _GREETINGS else answer)
                if kind == _OP_QUERY:
                    kind, start_of_reply = _OP_REPLY, struct.pack("<iqii", 0, 0, 0, 1)
                else:
                    start_of_reply = struct.pack("<iB", 0, 0)
                size = 16 + len(start_of_reply) + len(reply)
                self.wfile.write(struct.pack("<iiii", size, 0, request, kind))
                self.wfile.write(start_of_reply + reply)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stopped.set()
            server.shutdown()
            thread.join()
