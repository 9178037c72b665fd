"""The stand-ins speak the protocols of what they stand for: the real clients understand them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import huggingface_hub
import huggingface_hub.errors
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from infer_servers import InferServer, running_infer
from sagemaker_servers import (
    MODEL_DIES,
    MODEL_ERROR,
    MODEL_NOT_READY,
    THROTTLED,
    SageMakerServer,
    running_sagemaker,
)
from stand_in_http import BREAK_OFF, GARBAGE, STALL
from tgi_servers import TgiServer, running_tgi
from tiny_llama import running_transformers_serve, tiny_llama

TEXT = "Paris, said the\nfox:  it is  “Paris”."
Hub = Callable[[str], huggingface_hub.InferenceClient]
ASKED = [{"role": "user", "content": "Where is the tower?"}]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Makes the hub's client of a URL. Offline, as tests are, it would ask no server at all."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    return lambda url: huggingface_hub.InferenceClient(url, timeout=10)


def test_the_hubs_client_generates_with_tgi(hub: Hub) -> None:
    with running_tgi(TgiServer(reply=lambda request: TEXT)) as server:
        client = hub(server.url)
        whole = client.text_generation("Where?", return_full_text=False, details=True)
        streamed = list(client.text_generation("Where?", stream=True, details=True))
        repeated = client.text_generation("Where?")
    assert whole.generated_text == TEXT
    assert whole.details.finish_reason == "eos_token"
    assert "".join(each.token.text for each in streamed if not each.token.special) == TEXT
    assert streamed[-1].token.special
    assert streamed[-1].details.input_length == 1
    assert streamed[-1].details.generated_tokens == len(streamed) == len(TEXT.split()) + 1
    assert repeated == f"Where?{TEXT}"
    assert [request.get("stream") for request in server.requests] == [None, True, None]
    assert server.violations == []


def test_the_hubs_client_chats_with_tgi(hub: Hub) -> None:
    with running_tgi(TgiServer(reply=lambda request: TEXT)) as server:
        client = hub(server.url)
        whole = client.chat_completion(ASKED, max_tokens=50, temperature=0.1)
        usage = huggingface_hub.ChatCompletionInputStreamOptions(include_usage=True)
        streamed = list(client.chat_completion(ASKED, stream=True, stream_options=usage))
        cut = client.chat_completion(ASKED, max_tokens=2).choices[0]
    assert whole.choices[0].message.content == TEXT
    assert whole.usage.prompt_tokens == 4
    assert "".join(each.choices[0].delta.content for each in streamed[:-1]) == TEXT
    assert streamed[-2].choices[0].finish_reason == "stop"
    assert streamed[-1].choices == []
    assert streamed[-1].usage.total_tokens == whole.usage.total_tokens == 12
    assert (cut.message.content, cut.finish_reason) == ("Paris, said", "length")
    assert server.violations == []


def test_the_openai_client_chats_with_tgi() -> None:
    with running_tgi(TgiServer(reply=lambda request: TEXT, key="sesame")) as server:
        url = f"{server.url}/v1"
        with openai.OpenAI(base_url=url, api_key="sesame", max_retries=0, timeout=10) as client:
            assert [model.id for model in client.models.list()] == ["tiny"]
            whole = client.chat.completions.create(model="tiny", messages=ASKED)
            stream = client.chat.completions.create(model="tiny", messages=ASKED, stream=True)
            streamed = [chunk.choices[0].delta.content for chunk in stream]
        with (
            openai.OpenAI(base_url=url, api_key="open", max_retries=0, timeout=10) as client,
            pytest.raises(openai.AuthenticationError),
        ):
            client.chat.completions.create(model="tiny", messages=ASKED)
    assert whole.choices[0].message.content == "".join(streamed) == TEXT
    assert server.violations == []


def test_tgi_refuses_in_its_own_words(hub: Hub) -> None:
    server = TgiServer(chat_template=False, max_input_tokens=10, max_total_tokens=20)
    busy = {"error": "Model is overloaded", "error_type": "overloaded"}
    server.refuse.append((429, busy, {"Retry-After": "7"}))
    with running_tgi(server):
        answer = httpx.post(server.url, json={"inputs": "Hello"})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        client = hub(server.url)
        too_long = "`inputs` tokens .* must be <= 20. Given: 3 `inputs` tokens and 18 `max_new"
        with pytest.raises(huggingface_hub.errors.ValidationError, match=too_long):
            client.text_generation("one two three", max_new_tokens=18)
        with pytest.raises(huggingface_hub.errors.ValidationError, match=too_long):
            list(client.text_generation("one two three", max_new_tokens=18, stream=True))
        said = httpx.post(f"{server.url}/v1/chat/completions", json={"messages": ASKED})
        assert said.status_code == 422
        assert said.json()["error_type"] == "template_error"
        info = httpx.get(f"{server.url}/info").json()
        assert (info["max_input_tokens"], info["max_total_tokens"]) == (10, 20)
        assert httpx.get(f"{server.url}/health").is_success
    assert server.violations == []


def test_what_breaks_the_description_is_recorded() -> None:
    wrong = {"inputs": "Hello", "parameters": {"temperature": 0, "max_new_tokens": "20"}}
    with running_tgi(TgiServer()) as server:
        answer = httpx.post(server.url, json=wrong)
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "validation"
    assert len(server.violations) == 2
    server = TgiServer(refuse=[(500, {"error": 3}, {})])
    with (
        pytest.raises(AssertionError, match="error_type"),
        running_tgi(server),
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.post(server.url, json={"inputs": "Hello"})
    assert len(server.violations) == 2


def test_a_stream_that_dies_or_makes_no_sense() -> None:
    asked = {"inputs": "Hello", "stream": True}
    with running_tgi(TgiServer(reply=lambda request: f"one {BREAK_OFF} two")) as server:
        lines = _stream_lines(server.url, asked, httpx.RemoteProtocolError)
        assert [json.loads(line[5:])["token"]["text"] for line in lines] == ["one"]
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(server.url, json={"inputs": "Hello"})
    with running_tgi(TgiServer(reply=lambda request: f"one {GARBAGE} two")) as server:
        lines = _stream_lines(server.url, asked, None)
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(lines[1][5:])
        assert json.loads(lines[2][5:])["token"]["text"] == " two"
    assert not server.broken_off.is_set()


@pytest.mark.parametrize(
    "server",
    [
        TgiServer(reply=lambda request: f"one {STALL} two"),
        TgiServer(reply=lambda request: "one two", pause_seconds=3600),
    ],
    ids=["stalling", "pausing"],
)
def test_a_client_that_leaves_is_noticed(server: TgiServer) -> None:
    with running_tgi(server):
        asked = {"inputs": "Hello", "stream": True}
        with httpx.stream("POST", server.url, json=asked, timeout=10):
            assert not server.broken_off.is_set()
        assert server.broken_off.wait(10)


def _stream_lines(url: str, asked: dict[str, object], ends: type[Exception] | None) -> list[str]:
    lines: list[str] = []
    with httpx.stream("POST", url, json=asked, timeout=10) as answer:
        if ends is None:
            lines += [line for line in answer.iter_lines() if line]
        else:
            with pytest.raises(ends):
                lines.extend(line for line in answer.iter_lines() if line)
    return lines


def test_boto3_asks_sagemaker() -> None:
    server = SageMakerServer(reply=lambda request: TEXT)
    with running_sagemaker(server), _runtime(server) as runtime:
        asked = {"inputs": "Where?", "parameters": {"return_full_text": False, "details": True}}
        named = {"EndpointName": "twin", "ContentType": "application/json"}
        answer = runtime.invoke_endpoint(**named, Body=json.dumps(asked))
        assert json.load(answer["Body"])[0]["generated_text"] == TEXT
        asked["stream"] = True
        parts = _parts(
            runtime.invoke_endpoint_with_response_stream(**named, Body=json.dumps(asked))
        )
        repeated = runtime.invoke_endpoint(**named, Body=json.dumps({"inputs": "Where?"}))
        assert json.load(repeated["Body"])[0]["generated_text"] == f"Where?{TEXT}"
    lines = b"".join(parts).decode().split("\n\n")
    events = [json.loads(line.removeprefix("data:")) for line in lines if line]
    assert len(parts) > len(events)
    assert "".join(each["token"]["text"] for each in events[:-1]) == TEXT
    assert events[-1]["generated_text"] == TEXT
    assert [request["inputs"] for request in server.requests] == ["Where?"] * 3


def test_sagemaker_refuses_as_aws_does() -> None:
    server = SageMakerServer(refuse=[MODEL_ERROR, THROTTLED, MODEL_NOT_READY])
    server.reply = lambda request: f"one {MODEL_DIES} two"
    asked = {"EndpointName": "twin", "Body": '{"inputs": "Hello", "stream": true}'}
    with running_sagemaker(server), _runtime(server) as runtime:
        with pytest.raises(runtime.exceptions.ModelError, match="CUDA") as told:
            runtime.invoke_endpoint(**asked)
        assert told.value.response["OriginalStatusCode"] == 500
        with pytest.raises(ClientError, match="ThrottlingException"):
            runtime.invoke_endpoint(**asked)
        with pytest.raises(runtime.exceptions.ModelNotReadyException):
            runtime.invoke_endpoint(**asked)
        with pytest.raises(EventStreamError, match="The model closed"):
            _parts(runtime.invoke_endpoint_with_response_stream(**asked))
        with pytest.raises(runtime.exceptions.ValidationError, match="Endpoint other of"):
            runtime.invoke_endpoint(EndpointName="other", Body="{}")
        with (
            _runtime(server, access_key_id="AKIDOTHER") as other,
            pytest.raises(ClientError, match="UnrecognizedClientException"),
        ):
            other.invoke_endpoint(**asked)
        unsigned = httpx.post(f"{server.url}/endpoints/twin/invocations", json={"inputs": "Hi"})
        assert unsigned.status_code == 403
    assert len(server.requests) == 4


def test_a_reader_of_sagemakers_stream_that_leaves_is_noticed() -> None:
    server = SageMakerServer(reply=lambda request: f"one {STALL}")
    asked = {"EndpointName": "twin", "Body": '{"inputs": "Hello", "stream": true}'}
    with running_sagemaker(server), _runtime(server) as runtime:
        stream = runtime.invoke_endpoint_with_response_stream(**asked)["Body"]
        assert next(iter(stream))["PayloadPart"]["Bytes"].startswith(b"d")
        assert not server.broken_off.is_set()
        stream.close()
        assert server.broken_off.wait(10)


def test_the_infer_server() -> None:
    asked = {"inputs": "Hello", "parameters": {}}
    server = InferServer(key="sesame", refuse=[(503, {"error": "busy"}, {"Retry-After": "1"})])
    server.reply = lambda request: request["inputs"].upper()
    with (
        running_infer(server),
        httpx.Client(base_url=server.url, headers={"Authorization": "Bearer sesame"}) as client,
    ):
        assert httpx.post(f"{server.url}/infer", json=asked).status_code == 401
        assert client.post("/infer", json=asked).headers["retry-after"] == "1"
        assert client.post("/infer", json=asked).json() == {"generated_text": "HELLO"}
        assert client.post("/infer", json={"inputs": "Hello"}).status_code == 422
        server.reply = lambda request: GARBAGE
        with pytest.raises(ValueError, match="utf-8"):
            client.post("/infer", json=asked).json()
        server.reply = lambda request: STALL
        with pytest.raises(httpx.ReadTimeout):
            client.post("/infer", json=asked, timeout=0.3)
        assert server.broken_off.wait(10)


def test_a_tiny_llama_is_served_by_transformers(tmp_path: Path) -> None:
    tiny_llama(tmp_path / "model")
    asked = {"model": str(tmp_path / "model"), "messages": ASKED, "max_tokens": 8}
    with (
        running_transformers_serve(tmp_path / "server") as url,
        httpx.Client(base_url=f"{url}/v1", timeout=120) as client,
    ):
        whole = client.post("/chat/completions", json={**asked, "temperature": 0}).json()
        asked = {**asked, "temperature": 0, "stream": True}
        with client.stream("POST", "/chat/completions", json=asked) as answer:
            chunks = [json.loads(line[6:]) for line in answer.iter_lines() if line != ""]
    assert whole["usage"]["completion_tokens"] == 8
    assert whole["choices"][0]["finish_reason"] == "length"
    deltas = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    assert len([delta for delta in deltas if delta]) > 1
    assert "".join(deltas) == whole["choices"][0]["message"]["content"] != ""


@contextmanager
def _runtime(server: SageMakerServer, access_key_id: str = "AKIDEXAMPLE") -> Iterator[Any]:
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id=access_key_id,
        aws_secret_access_key="secret",  # noqa: S106
        config=Config(retries={"total_max_attempts": 1}, read_timeout=10),
    )
    with closing(client):
        yield client


def _parts(answer: dict[str, Any]) -> list[bytes]:
    with closing(answer["Body"]) as stream:
        return [event["PayloadPart"]["Bytes"] for event in stream]
