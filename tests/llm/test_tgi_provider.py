"""The TGI provider against a stand-in that checks both sides by TGI's own OpenAPI description."""

import anyio
import pytest
from asking_models import complete, leave_after_one, refusal, streamed
from stand_in_http import BREAK_OFF, GARBAGE, STALL
from tgi_servers import TgiServer, running_tgi

from twin_assets.errors import (
    ContextTooLongError,
    ModelServerError,
    ModelServerUnavailableError,
)
from twin_serving.llm import Finish, ModelInfo
from twin_serving.llm.tgi import TgiModel

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TEXT = "It is warm [1]."


@pytest.fixture
def server():
    with running_tgi(TgiServer(reply=lambda request: TEXT)) as running:
        yield running
    assert running.violations == []


def model_of(server: TgiServer, **more) -> TgiModel:
    return TgiModel(server.url, timeout_seconds=more.pop("timeout_seconds", 10), **more)


def test_the_model_and_its_limit_are_what_info_says(server: TgiServer) -> None:
    model = model_of(server)
    assert anyio.run(model.info) == ModelInfo("tiny", 2048)
    anyio.run(model.health)


def test_a_chat_whole_and_streamed(server: TgiServer) -> None:
    assert complete(model_of(server)) == TEXT
    pieces, finish = streamed(model_of(server))
    assert "".join(pieces) == TEXT
    assert len(pieces) == 4
    assert finish == Finish("stop", 3, 5)
    whole, stream = server.requests
    assert whole["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]
    assert whole["max_tokens"] == 7
    assert stream["stream"] is True


def test_a_schema_is_a_grammar(server: TgiServer) -> None:
    complete(model_of(server), schema=SCHEMA)
    assert server.requests[0]["response_format"] == {"type": "json", "value": SCHEMA}


def test_a_model_without_a_chat_template_reads_plain_text(server: TgiServer) -> None:
    server.chat_template = False
    model = model_of(server)
    assert complete(model) == TEXT
    pieces, finish = streamed(model)
    assert "".join(pieces) == TEXT
    assert finish.reason == "eos_token"
    assert finish.answer_tokens == 5
    generated = [request for request in server.requests if "inputs" in request]
    assert len(server.requests) == 3  # one chat was tried
    assert generated[0]["inputs"].endswith("Question:\nHello?\n\nAnswer:")
    assert generated[0]["parameters"]["return_full_text"] is False


def test_the_stop_sequence_is_no_part_of_the_answer(server: TgiServer) -> None:
    server.chat_template = False
    server.reply = lambda request: f"{TEXT}\nQuestion: And what else?"
    assert complete(model_of(server), max_tokens=50) == TEXT
    pieces, finish = streamed(model_of(server))
    assert "".join(pieces) == TEXT
    assert finish.reason == "stop_sequence"


def test_a_stream_finds_out_too_that_there_is_no_template(server: TgiServer) -> None:
    server.chat_template = False
    pieces, _ = streamed(model_of(server))
    assert "".join(pieces) == TEXT


def test_a_template_that_refuses_these_turns_may_take_the_next(server: TgiServer) -> None:
    said = "Template error: Conversation roles must alternate"
    refusal = (422, {"error": said, "error_type": "template_error"}, {})
    model = model_of(server)
    server.refuse.append(refusal)
    assert complete(model) == TEXT
    server.refuse.append(refusal)
    pieces, _ = streamed(model)
    assert "".join(pieces) == TEXT
    assert complete(model) == TEXT
    asked = ["inputs" if "inputs" in request else "messages" for request in server.requests]
    assert asked == ["messages", "inputs", "messages", "inputs", "messages"]


def test_a_body_that_cannot_be_unpacked_is_one_line() -> None:
    with running_tgi(TgiServer()) as server:
        told = {"error": "it is not gzip", "error_type": "generation"}
        server.refuse.append((200, told, {"content-encoding": "gzip"}))
        assert "cannot be read" in refusal(model_of(server))


def test_a_cut_answer_says_so(server: TgiServer) -> None:
    pieces, finish = streamed(model_of(server), most=2)
    assert "".join(pieces) == "It is"
    assert finish.reason == "length"


@pytest.mark.parametrize("chat_template", [True, False])
def test_a_prompt_that_is_too_long(server: TgiServer, chat_template: bool) -> None:
    server.max_total_tokens, server.chat_template = 5, chat_template
    model = model_of(server)
    assert "answers 422" in refusal(model, ContextTooLongError)
    with pytest.raises(ContextTooLongError):
        streamed(model)


def test_the_key_is_sent_and_never_said(server: TgiServer) -> None:
    server.key = "right"
    assert complete(model_of(server, key="right")) == TEXT
    line = refusal(model_of(server, key="wrong-key"))
    assert "TWIN_TGI_API_KEY" in line
    assert "wrong-key" not in line


def test_no_token_of_the_hub_is_sent(server: TgiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    server.key = "hf_secret"
    assert "refuses the key" in refusal(model_of(server))


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, True),
        (500, {"error": "shard died", "error_type": "generation"}, True),
        (503, {"error": "unhealthy", "error_type": "healthcheck"}, True),
        (424, {"error": "Request failed during generation", "error_type": "generation"}, False),
        (422, {"error": "wrong", "error_type": "validation"}, False),
    ],
)
def test_refusals(server: TgiServer, status: int, said: dict, kind: bool) -> None:
    model = model_of(server)
    anyio.run(model.info)
    server.refuse += [(status, said, {"Retry-After": "3"})] * 3
    with pytest.raises(ModelServerError) as caught:
        complete(model)
    assert said["error"] in str(caught.value)
    assert f"answers {status}" in str(caught.value)
    assert isinstance(caught.value, ModelServerUnavailableError) == kind
    if kind:
        assert caught.value.retry_after == 3
    with pytest.raises(ModelServerError, match=said["error"]):
        streamed(model)
    model._chats = False
    assert said["error"] in refusal(model)


def test_the_middle_of_a_stream(server: TgiServer) -> None:
    server.reply = lambda request: f"one {BREAK_OFF} two"
    pieces: list[str] = []
    with pytest.raises(ModelServerUnavailableError, match="broke off"):
        streamed(model_of(server), pieces)
    assert pieces == ["one"]
    server.reply = lambda request: f"one {GARBAGE} two"
    with pytest.raises(ModelServerError, match="cannot be read"):
        streamed(model_of(server), pieces)
    server.reply = lambda request: f"one {STALL} two"
    with pytest.raises(ModelServerError, match=r"silent for 0.3 s"):
        streamed(model_of(server, timeout_seconds=0.3), pieces)


@pytest.mark.parametrize("chat_template", [True, False])
def test_an_asker_who_leaves_ends_the_request(server: TgiServer, chat_template: bool) -> None:
    server.chat_template = chat_template
    server.reply = lambda request: f"one {STALL} two"
    leave_after_one(model_of(server))
    assert server.broken_off.wait(1)


def test_nobody_listens() -> None:
    line = refusal(TgiModel("http://user:secret@127.0.0.1:9"), ModelServerUnavailableError)
    assert "TWIN_TGI_URL" in line
    assert "secret" not in line
