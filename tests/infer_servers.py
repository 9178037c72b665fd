"""A stand-in for a small inference server of one's own: ``POST /infer`` on a real socket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stand_in_http import StandIn, StandInHandler, running, split_words


@dataclass(kw_only=True)
class InferServer(StandIn):
    """What the server answers, and the requests that it got."""

    key: str = ""


@contextmanager
def running_infer(server: InferServer) -> Iterator[InferServer]:
    """Run the server. It asks for ``inputs`` and ``parameters`` and streams nothing."""
    with running(server, _Handler):
        yield server


class _Handler(StandInHandler):
    def answer(self, body: bytes) -> None:
        server: InferServer = self.stand_in
        if self.path != "/infer":
            return self.send_json({"error": "not found"}, 404)
        if server.key and self.headers.get("authorization") != f"Bearer {server.key}":
            return self.send_json({"error": "wrong key"}, 401)
        request = json.loads(body)
        server.requests.append(request)
        if server.refuse:
            status, said, headers = server.refuse.pop(0)
            return self.send_json(said, status, headers)
        if not isinstance(request.get("inputs"), str) or not isinstance(
            request.get("parameters"), dict
        ):
            return self.send_json({"error": "inputs and parameters are needed"}, 422)
        text = server.reply(request)
        return self.send_spoken(split_words(text), {"generated_text": text})
