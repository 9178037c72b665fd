"""A stand-in for SageMaker's runtime with text-generation-inference behind the endpoint: the REST
protocol that boto3 speaks, on a real socket.

As there, an endpoint streams only where the request says ``"stream": true``, and the prompt is
repeated unless ``return_full_text`` is false.
"""

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws_event_stream import encode_event, encode_exception
from stand_in_http import (
    BREAK_OFF,
    GARBAGE,
    STALL,
    BrokenOff,
    Refusal,
    StandIn,
    StandInHandler,
    running,
)
from tgi_answers import Generation, generate

MODEL_DIES = "†"  # a streamed reply ends at this word: the model's server has gone

_PATH = re.compile(r"/endpoints/([^/]+)/invocations(?:-response-stream)?")
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/[\w-]+/sagemaker/aws4_request, "
    r"SignedHeaders=[\w;-]*\bhost\b[\w;-]*, Signature=[0-9a-f]{64}"
)
_MOST_BYTES = 40  # of a payload part, so that one event comes in several


def refusal(status: int, code: str, message: str, **more: Any) -> Refusal:
    """Return an error answer in AWS's JSON shape."""
    return status, {"Message": message, **more}, {"x-amzn-errortype": code}


MODEL_ERROR = refusal(
    424,
    "ModelError",
    'Received server error (500) from primary with message "CUDA out of memory"',
    OriginalStatusCode=500,
    OriginalMessage="CUDA out of memory",
    LogStreamArn="arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/Endpoints/twin",
)
MODEL_NOT_READY = refusal(429, "ModelNotReadyException", "The model is not ready yet")
THROTTLED = refusal(400, "ThrottlingException", "Rate exceeded")
UNAVAILABLE = refusal(503, "ServiceUnavailable", "The service is unavailable")


@dataclass(kw_only=True)
class SageMakerServer(StandIn):
    """What the endpoint answers, and the requests that its model got."""

    endpoint: str = "twin"
    access_key_id: str = "AKIDEXAMPLE"


@contextmanager
def running_sagemaker(server: SageMakerServer) -> Iterator[SageMakerServer]:
    """Run the server."""
    with running(server, _Handler):
        yield server


class _Handler(StandInHandler):
    unsent = b""
    cuts = random.Random(0)

    def answer(self, body: bytes) -> None:
        server: SageMakerServer = self.stand_in
        if refused := self._find_fault():
            return self._refuse(refused)
        request = json.loads(body)
        server.requests.append(request)
        if server.refuse:
            return self._refuse(server.refuse.pop(0))
        parameters = {"return_full_text": True, **request.get("parameters", {})}
        most = parameters.get("max_new_tokens")
        stop = parameters.get("stop") or ()
        generation = generate(request["inputs"], server.reply(request), most, stop)
        if self.path.endswith("-response-stream"):
            return self._stream(request, generation, parameters)
        return self.send_spoken(generation.words, [generation.response(parameters)])

    def _find_fault(self) -> Refusal | None:
        """Return what SageMaker says before it asks the model."""
        server: SageMakerServer = self.stand_in
        asked = _PATH.fullmatch(self.path)
        signed = _SIGNED.fullmatch(self.headers.get("authorization", ""))
        if signed is None:
            return refusal(403, "MissingAuthenticationTokenException", "Missing token")
        if signed[1] != server.access_key_id:
            message = "The security token included in the request is invalid."
            return refusal(403, "UnrecognizedClientException", message)
        if asked is None:
            return refusal(404, "UnknownOperationException", "")
        if asked[1] != server.endpoint:
            message = f"Endpoint {asked[1]} of account 123456789012 not found."
            return refusal(400, "ValidationError", message)
        return None

    def _refuse(self, refused: Refusal) -> None:
        status, said, headers = refused
        self.send_json(said, status, headers)

    def _stream(
        self, request: dict[str, Any], generation: Generation, parameters: dict[str, Any]
    ) -> None:
        streamed = request.get("stream")
        kind = "text/event-stream" if streamed else "application/json"
        headers = {"x-amzn-sagemaker-content-type": kind}
        self.start_stream("application/vnd.amazon.eventstream", headers)
        if streamed:
            for word, event in generation.events(parameters):
                self.speak(word, event)
        else:
            self.unsent = json.dumps([generation.response(parameters)]).encode()
        self._flush()
        self.end_stream()

    def speak(self, word: str, event: dict[str, Any]) -> None:
        if self.stand_in.pause_seconds or word.strip() in (BREAK_OFF, STALL, GARBAGE, MODEL_DIES):
            self._flush()
        if word.strip() == MODEL_DIES:
            said = {"Message": "The model closed its connection.", "ErrorCode": "StreamBroken"}
            super().send_chunk(encode_exception("ModelStreamError", json.dumps(said).encode()))
            self.end_stream()
            raise BrokenOff
        super().speak(word, event)

    def send_chunk(self, data: bytes) -> None:
        """Send it in payload parts that begin and end anywhere, in the middle of a letter too."""
        self.unsent += data
        while len(self.unsent) > _MOST_BYTES:
            self._send_part(self.cuts.randint(1, _MOST_BYTES))

    def _flush(self) -> None:
        while self.unsent:
            self._send_part(_MOST_BYTES)

    def _send_part(self, size: int) -> None:
        part, self.unsent = self.unsent[:size], self.unsent[size:]
        super().send_chunk(encode_event("PayloadPart", part))
