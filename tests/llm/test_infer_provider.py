"""The provider of ``POST /infer`` against a small server of that kind."""

import anyio
import pytest
from asking_models import complete, refusal, streamed
from infer_servers import InferServer, running_infer
from stand_in_http import BREAK_OFF, GARBAGE, STALL

from twin_assets.errors import ModelServerUnavailableError
from twin_serving.llm import Finish
from twin_serving.llm.infer import InferModel

TEXT = "It is warm [1]."


@pytest.fixture
def server():
    with running_infer(InferServer(reply=lambda request: TEXT)) as running:
        yield running


def test_an_answer_comes_whole(server: InferServer) -> None:
    model = InferModel(server.url, model="house")
    assert complete(model) == TEXT
    assert streamed(model) == ([TEXT], Finish())
    assert server.requests[0]["inputs"].endswith("Question:\nHello?\n\nAnswer:")
    assert server.requests[0]["parameters"]["max_new_tokens"] == 7
    assert anyio.run(model.info).name == "house"
    anyio.run(model.health)


def test_a_prompt_that_is_repeated_is_left_out(server: InferServer) -> None:
    server.reply = lambda request: f"{request['inputs']} {TEXT}"
    assert complete(InferModel(server.url)) == TEXT


def test_the_key(server: InferServer) -> None:
    server.key = "right"
    assert complete(InferModel(server.url, "right")) == TEXT
    assert "TWIN_INFER_API_KEY" in refusal(InferModel(server.url, "wrong"))


def test_faults(server: InferServer) -> None:
    model = InferModel(server.url, timeout_seconds=0.5)
    server.refuse += [(503, {"error": "busy"}, {}), (400, {"error": "no"}, {})]
    assert "answers 503" in refusal(model, ModelServerUnavailableError)
    assert "answers 400" in refusal(model)
    server.reply = lambda request: f"one {BREAK_OFF}"
    assert "broke off" in refusal(model, ModelServerUnavailableError)
    server.reply = lambda request: f"one {GARBAGE}"
    assert "cannot be read" in refusal(model)
    server.reply = lambda request: ""
    assert "answered nothing" in refusal(model)
    server.reply = lambda request: f"one {STALL}"
    assert "silent for 0.5 s" in refusal(model)
    assert "TWIN_INFER_URL" in refusal(InferModel("http://127.0.0.1:9"))


def test_an_asker_who_leaves_ends_the_request(server: InferServer) -> None:
    server.reply = lambda request: f"one {STALL}"

    async def leave() -> None:
        with anyio.move_on_after(0.3):
            await InferModel(server.url).complete([], max_tokens=5)

    anyio.run(leave)
    assert server.broken_off.wait(1)
