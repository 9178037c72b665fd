"""A stand-in for text-generation-inference 3.3, not the server itself: its HTTP routes on a real
socket, every request and every answer checked by its own OpenAPI description.

Kept from the real router, because a client meets them: an error that it finds after a stream has
begun comes as an event with status 200, ``POST /`` repeats the prompt unless it is told not to, the
last token of a stream is the special ``</s>``, and the GET routes ask for no key.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stand_in_http import StandIn, StandInHandler, running
from tgi_answers import MODEL, VERSION, Generation, find_fault, generate
from tgi_description import TgiDescription

_CHAT = "/v1/chat/completions"
_REQUESTS = {
    "/": "CompatGenerateRequest",
    "/generate": "GenerateRequest",
    "/generate_stream": "GenerateRequest",
    _CHAT: "ChatRequest",
}
_NO_TEMPLATE = {"error": "Template error: template not found", "error_type": "template_error"}


@dataclass(kw_only=True)
class TgiServer(StandIn):
    """What the server answers, the requests that it got, and what did not fit the description."""

    chat_template: bool = True
    max_input_tokens: int = 1024
    max_total_tokens: int = 2048
    key: str = ""
    violations: list[str] = field(default_factory=list)
    description: TgiDescription = field(init=False, repr=False)


@contextmanager
def running_tgi(server: TgiServer) -> Iterator[TgiServer]:
    """Run the server; an answer of its own that breaks the description is raised at the end."""
    server.description = TgiDescription()
    with running(server, _Handler):
        yield server


class _Handler(StandInHandler):
    def describe(self) -> None:
        server: TgiServer = self.stand_in
        if self.path == "/health":
            self.send_body(b"")
        elif self.path == "/info":
            self.send_json(self._checked("Info", _info(server)))
        elif self.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}
            # the description leaves the list out that the router wraps it in
            self.send_json({"object": "list", "data": [self._checked("ModelInfo", model)]})
        else:
            self.send_body(b"", 404)

    def answer(self, body: bytes) -> None:
        server: TgiServer = self.stand_in
        if self.path not in _REQUESTS:
            return self.send_body(b"", 404)
        given = self.headers.get("authorization", "")
        if server.key and given.lower() != f"bearer {server.key}".lower():
            return self.send_body(b"", 401)
        try:
            request = json.loads(body)
        except ValueError as error:
            server.violations.append(f"no JSON: {error}")
            return self._refuse(f"Failed to parse the request body as JSON: {error}")
        server.requests.append(request)
        if server.refuse:
            status, said, headers = server.refuse.pop(0)
            return self.send_json(self._checked("ErrorResponse", said), status, headers)
        if faults := server.description.faults(_REQUESTS[self.path], request):
            server.violations += faults
            return self._refuse(f"Input validation error: {faults[0]}")
        return self._chat(request) if self.path == _CHAT else self._generate(request)

    def _generate(self, request: dict[str, Any]) -> None:
        parameters = dict(request.get("parameters", {}))
        if self.path == "/" and parameters.get("return_full_text") is None:
            parameters["return_full_text"] = True
        streamed = self.path == "/generate_stream" or (self.path == "/" and request.get("stream"))
        prompt = request["inputs"]
        if fault := self._find_fault(prompt, parameters):
            said = self._checked("ErrorResponse", {"error": fault, "error_type": "validation"})
            return self._stream_error(said) if streamed else self.send_json(said, 422)
        generation = self._reply(
            request, prompt, parameters.get("max_new_tokens"), parameters.get("stop") or ()
        )
        if not streamed:
            response = self._checked("GenerateResponse", generation.response(parameters))
            whole = [response] if self.path == "/" else response
            return self.send_spoken(generation.words, whole)
        self.start_stream("text/event-stream")
        for word, event in generation.events(parameters):
            self.speak(word, self._checked("StreamResponse", event))
        self.end_stream()

    def _chat(self, request: dict[str, Any]) -> None:
        if not self.stand_in.chat_template:
            return self.send_json(self._checked("ErrorResponse", _NO_TEMPLATE), 422)
        most = request.get("max_tokens")
        parameters = {"max_new_tokens": most, "top_p": request.get("top_p")}
        # a temperature of 0 means greedy decoding on this route
        parameters["temperature"] = request.get("temperature") or None
        prompt = "\n".join(_text(message) for message in request["messages"])
        if fault := self._find_fault(prompt, parameters):
            if not request.get("stream"):
                return self._refuse(fault)
            return self._stream_error({"error": {"message": fault, "http_status_code": 422}})
        generation = self._reply(request, prompt, most)
        if not request.get("stream"):
            completion = self._checked("ChatCompletion", generation.completion())
            return self.send_spoken(generation.words, completion)
        options = request.get("stream_options") or {}
        self.start_stream("text/event-stream")
        for word, chunk in generation.chunks(with_usage=options.get("include_usage", False)):
            self.speak(word, self._checked("ChatCompletionChunk", chunk))
        self.send_chunk(b"data: [DONE]\n\n")
        self.end_stream()

    def _find_fault(self, prompt: str, parameters: dict[str, Any]) -> str | None:
        server: TgiServer = self.stand_in
        return find_fault(prompt, parameters, server.max_input_tokens, server.max_total_tokens)

    def _reply(
        self, request: dict[str, Any], prompt: str, most: int | None, stop: Sequence[str] = ()
    ) -> Generation:
        return generate(prompt, self.stand_in.reply(request), most, stop)

    def _refuse(self, fault: str) -> None:
        said = {"error": fault, "error_type": "validation"}
        self.send_json(self._checked("ErrorResponse", said), 422)

    def _stream_error(self, said: dict[str, Any]) -> None:
        self.start_stream("text/event-stream")
        self.send_event(json.dumps(said).encode())
        if self.path == _CHAT:
            self.send_chunk(b"data: [DONE]\n\n")
        self.end_stream()

    def _checked(self, schema: str, value: dict[str, Any]) -> dict[str, Any]:
        """Return the value; one that breaks the description is a fault of the stand-in."""
        if faults := self.stand_in.description.faults(schema, value):
            self.stand_in.violations += faults
            raise AssertionError("\n".join(faults))
        return value


def _info(server: TgiServer) -> dict[str, Any]:
    return {
        "model_id": MODEL,
        "model_sha": None,
        "model_pipeline_tag": "text-generation",
        "max_concurrent_requests": 128,
        "max_best_of": 2,
        "max_stop_sequences": 4,
        "max_input_tokens": server.max_input_tokens,
        "max_total_tokens": server.max_total_tokens,
        "validation_workers": 2,
        "max_client_batch_size": 4,
        "router": "text-generation-router",
        "version": VERSION,
        "sha": None,
        "docker_label": None,
    }


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
