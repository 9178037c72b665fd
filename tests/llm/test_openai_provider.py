"""The OpenAI-compatible provider against a stand-in on a real socket, and its faults."""

import json
import socket
import threading

import anyio
import pytest
from asking_models import complete, leave_after_one, refusal, streamed
from chat_servers import BREAK_OFF, FAILED, ChatServer, Refused, running_chat

from twin_assets.errors import (
    BadInputError,
    ContextTooLongError,
    ModelServerUnavailableError,
)
from twin_assets.settings import load_settings
from twin_serving.llm import Finish, ModelInfo, create_model
from twin_serving.llm.openai import OpenAIModel

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.fixture
def server():
    with running_chat(ChatServer()) as running:
        yield running


def test_what_is_sent_and_what_comes_back(server: ChatServer) -> None:
    model = OpenAIModel(server.url)
    assert complete(model) == "Hello."
    (request,) = server.requests
    assert request == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello?"},
        ],
        "max_tokens": 7,
    }
    assert anyio.run(model.info) == ModelInfo("tiny", 2048)
    anyio.run(model.health)


def test_the_model_can_be_named(server: ChatServer) -> None:
    server.models.append({"id": "big", "object": "model"})
    model = OpenAIModel(server.url, model="big")
    complete(model)
    assert server.requests[0]["model"] == "big"
    assert anyio.run(model.info) == ModelInfo("big", None)
    unlisted = OpenAIModel(server.url, model="elsewhere")
    complete(unlisted)
    assert server.requests[1]["model"] == "elsewhere"


def test_a_server_without_models_says_what_to_set(server: ChatServer) -> None:
    server.models.clear()
    assert "TWIN_LLM_MODEL" in refusal(OpenAIModel(server.url))


def test_a_schema_is_sent_and_a_server_that_knows_none_is_asked_plainly(server: ChatServer) -> None:
    model = OpenAIModel(server.url)
    assert complete(model, schema=SCHEMA) == "Hello."
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == SCHEMA

    def plain(request: dict) -> str:
        if "response_format" in request:
            raise Refused(400, b'{"error": {"message": "unknown field response_format"}}')
        return "Plainly."

    server.reply = plain
    assert complete(model, schema=SCHEMA) == "Plainly."
    asked = len(server.requests)
    assert complete(model, schema=SCHEMA) == "Plainly."
    assert len(server.requests) == asked + 1


def test_an_answer_streams(server: ChatServer) -> None:
    server.reply = lambda request: "one two three"
    assert streamed(OpenAIModel(server.url)) == (["one ", "two ", "three "], Finish("stop", 2, 3))
    assert server.requests[0]["stream"] is True
    assert server.requests[0]["stream_options"] == {"include_usage": True}


def test_an_asker_who_leaves_ends_the_request(server: ChatServer) -> None:
    server.reply = lambda request: "word " * 1_000_000
    leave_after_one(OpenAIModel(server.url))
    assert server.broken_off.wait(10)


def test_a_server_that_dies_in_the_middle(server: ChatServer) -> None:
    server.reply = lambda request: f"one two {BREAK_OFF} three"
    pieces: list[str] = []
    with pytest.raises(ModelServerUnavailableError, match="cannot be reached, or broke off"):
        streamed(OpenAIModel(server.url), pieces)
    assert pieces[:2] == ["one ", "two "]


def test_a_fault_in_the_stream_is_said_as_one_before_it(server: ChatServer) -> None:
    server.reply = lambda request: f"one {FAILED}"
    with pytest.raises(ModelServerUnavailableError, match="answers 500: engine is dead"):
        streamed(OpenAIModel(server.url))


def test_a_server_that_lists_no_models_is_asked_by_the_name_that_is_set() -> None:
    with running_chat(ChatServer(models=None)) as server:
        assert "answers 404" in refusal(OpenAIModel(server.url))
        assert complete(OpenAIModel(server.url, model="mine")) == "Hello."
        assert server.requests[0]["model"] == "mine"


def test_a_server_that_has_another_model_now_is_asked_for_its_name_again(
    server: ChatServer,
) -> None:
    def only(request: dict) -> str:
        if request["model"] != server.models[0]["id"]:
            raise Refused(404, b'{"error": {"message": "no such model"}}')
        return "Hello."

    server.reply = only
    model = OpenAIModel(server.url)
    assert complete(model) == "Hello."
    server.models = [{"id": "another", "object": "model"}]
    assert "no such model" in refusal(model)
    assert complete(model) == "Hello."


def test_newer_models_call_the_limit_otherwise(server: ChatServer) -> None:
    said = b'{"error": {"message": "Use \'max_completion_tokens\' instead."}}'

    def modern(request: dict) -> str:
        if "max_tokens" in request:
            raise Refused(400, said)
        return "Now."

    server.reply = modern
    model = OpenAIModel(server.url)
    assert [complete(model), complete(model)] == ["Now.", "Now."]
    assert [r.get("max_completion_tokens") for r in server.requests] == [None, 7, 7]


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}/v1"
    line = refusal(OpenAIModel(url))
    assert "cannot be reached" in line
    assert "TWIN_OPENAI_URL" in line
    assert "secret" not in line


def test_a_wrong_key_is_never_repeated() -> None:
    with running_chat(ChatServer(key="right")) as server:
        assert complete(OpenAIModel(server.url, "right")) == "Hello."
        line = refusal(OpenAIModel(server.url, "sk-wrong-key"))
        assert "TWIN_OPENAI_API_KEY" in line
        assert "sk-wrong" not in line


def test_a_silent_server() -> None:
    go_on = threading.Event()

    def silent(request: dict) -> str:
        go_on.wait(30)
        return "late"

    with running_chat(ChatServer(silent)) as server:
        try:
            line = refusal(OpenAIModel(server.url, timeout_seconds=0.2))
        finally:
            go_on.set()
    assert "silent for 0.2 s" in line


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_said_to(server: ChatServer, status: int) -> None:
    def refuse(request: dict) -> str:
        raise Refused(status)

    server.reply = refuse
    line = refusal(OpenAIModel(server.url), ModelServerUnavailableError)
    assert f"answers {status}" in line
    assert len(server.requests) == 1  # asking again is the guard's


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens",
        "the request exceeds the available context size. try increasing it",
        "Input is too long for requested model.",
    ],
)
def test_a_prompt_that_is_too_long(server: ChatServer, said: str) -> None:
    def refuse(request: dict) -> str:
        raise Refused(400, json.dumps({"error": {"message": said}}).encode())

    server.reply = refuse
    assert said[:30] in refusal(OpenAIModel(server.url), ContextTooLongError)


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_what_will_not_pass_is_said_once(server: ChatServer, status: int) -> None:
    def refuse(request: dict) -> str:
        raise Refused(status, b'{"error": {"message": "too long:\\n 9000 tokens, key sk-1"}}')

    server.reply = refuse
    line = refusal(OpenAIModel(server.url, "sk-1"))
    assert f"answers {status}" in line
    assert "9000 tokens" in line
    assert "sk-1" not in line
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"garbage", b"[]", b'{"choices": []}', b'{"choices": [{}]}', b"null"]
)
def test_garbage(server: ChatServer, body: bytes) -> None:
    def garbage(request: dict) -> str:
        raise Refused(200, body)

    server.reply = garbage
    assert server.url in refusal(OpenAIModel(server.url))


def test_the_settings_name_it(settings, server: ChatServer) -> None:
    assert create_model(settings) is None
    named = load_settings(home=settings.home, llm="openai", openai_url=server.url, _env_file=None)
    model = create_model(named)
    assert model is not None
    assert model.provider == "openai"
    assert complete(model) == "Hello."


@pytest.mark.parametrize(
    ("llm", "variable"),
    [
        ("openai", "TWIN_OPENAI_URL"),
        ("tgi", "TWIN_TGI_URL"),
        ("infer", "TWIN_INFER_URL"),
        ("sagemaker", "TWIN_SAGEMAKER_ENDPOINT"),
    ],
)
def test_a_provider_without_an_address_says_what_to_set(settings, llm: str, variable: str) -> None:
    with pytest.raises(BadInputError, match=variable):
        create_model(settings.model_copy(update={"llm": llm}))
