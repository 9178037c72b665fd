"""Real clients against the running application: OpenAI's, Gradio's, an agent's, curl."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import openai
import pytest
from api_calls import Serve
from app_servers import SERVED
from chat_servers import ChatServer, running_chat
from gradio_client import Client as GradioClient
from gradio_client.exceptions import AppError, AuthenticationError
from mcp import Client
from pydantic import SecretStr
from tgi_servers import TgiServer, running_tgi

from twin_assets.settings import TwinSettings
from twin_serving.audit import open_audit_log

pytestmark = SERVED

BREAD = "What does Mara Lindqvist say about proofing dough in the fridge?"


@pytest.fixture
def chat(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_openai_s_client_lists_the_twins(chat: openai.OpenAI) -> None:
    assert [model.id for model in chat.models.list()] == [
        "twin",
        "twin/ines-carvalho",
        "twin/mara-lindqvist",
        "twin/tomas-okafor",
    ]
    assert chat.models.retrieve("twin/mara-lindqvist").id == "twin/mara-lindqvist"


def test_openai_s_client_asks_a_twin(chat: openai.OpenAI) -> None:
    messages = [
        {"role": "system", "content": "Talk like a pirate."},
        {"role": "user", "content": [{"type": "text", "text": "How do you measure heat loss?"}]},
    ]
    texts = {}
    for model in ("twin/mara-lindqvist", "twin/tomas-okafor"):
        reply = chat.chat.completions.create(model=model, messages=messages)
        texts[model] = reply.choices[0].message.content
        assert reply.choices[0].finish_reason == "stop"
        assert "\n\nSources:\n[1] " in texts[model]
        assert reply.model_extra["citations"][0]["author"] == model.removeprefix("twin/")
    assert len(set(texts.values())) == 2


def test_openai_s_client_streams(chat: openai.OpenAI) -> None:
    asked = {"model": "twin", "messages": [{"role": "user", "content": BREAD}]}
    whole = chat.chat.completions.create(**asked).choices[0].message.content
    stream = chat.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == whole
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_openai_s_client_understands_faults(chat: openai.OpenAI) -> None:
    asked = {"messages": [{"role": "user", "content": BREAD}]}
    for model in ("gpt-4o", "twin/nobody", "twin/"):
        with pytest.raises(openai.NotFoundError) as caught:
            chat.chat.completions.create(model=model, **asked)
        assert caught.value.body["message"]
        with pytest.raises(openai.NotFoundError):
            chat.models.retrieve(model)
    with pytest.raises(openai.UnprocessableEntityError, match="last message must be the user's"):
        chat.chat.completions.create(
            model="twin", messages=[*asked["messages"], {"role": "assistant", "content": "Hm."}]
        )


def test_what_chat_clients_send_besides_is_passed_over(client: httpx.Client) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages = [
        *[{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "Hm."}] * 150,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "1", "content": "42"},
        {"role": "user", "content": [picture, {"type": "text", "text": BREAD}]},
    ]
    body = {"model": "twin", "messages": messages, "stream": None, "temperature": 0.3}
    answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    assert "[1]" in answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("text", "reason"), [("In the fridge [1].", "stop"), ("word " * 30, "length")]
)
def test_an_answer_ends_as_openai_s_do(serve: Serve, text: str, reason: str) -> None:
    server = TgiServer(chat_template=False, max_total_tokens=9000, max_input_tokens=8000)
    server.reply = lambda request: text
    with running_tgi(server):
        http = serve(llm="tgi", tgi_url=server.url, answer_tokens=16)
        with openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="none", max_retries=0) as client:
            asked = {"model": "twin", "messages": [{"role": "user", "content": BREAD}]}
            whole = client.chat.completions.create(**asked)
            *_, last = client.chat.completions.create(**asked, stream=True)
    assert whole.choices[0].finish_reason == last.choices[0].finish_reason == reason


def test_openai_s_client_in_front_of_a_language_model(serve) -> None:
    def reply(request: dict) -> str:
        asked = request["messages"][-1]["content"]
        if "<passages>" in asked:
            return "In the fridge [1] for a day [9]."
        return json.dumps({"question": "How warm does Mara Lindqvist keep rye?", "phrasings": []})

    with running_chat(ChatServer(reply)) as server:
        http = serve(llm="openai", openai_url=server.url)
        with openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="none", max_retries=0) as client:
            reply_ = client.chat.completions.create(
                model="twin",
                messages=[
                    {"role": "user", "content": "What does Mara Lindqvist say about rye?"},
                    {"role": "assistant", "content": "Sour [1].\n\nSources:\n[1] Rye, https://a"},
                    {"role": "user", "content": "And how warm?"},
                ],
            )
    text = reply_.choices[0].message.content
    assert text.startswith("In the fridge [1] for a day.\n\nSources:\n[1] ")
    assert (reply_.usage.prompt_tokens, reply_.usage.completion_tokens) == (2, 8)
    rewritten = json.loads(server.requests[0]["messages"][1]["content"])
    assert rewritten["conversation"][1]["content"] == "Sour [1]."
    prompt = next(r for r in server.requests if r.get("stream"))["messages"]
    assert [message["role"] for message in prompt] == ["system", "user", "assistant", "user"]


def test_an_agent_lists_and_calls_the_tools(address: str) -> None:
    async def talk() -> None:
        async with Client(f"{address}/mcp") as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"retrieve", "ask"}
            assert tools["ask"].input_schema["required"] == ["question"]
            answer = await client.call_tool("ask", {"question": BREAD})
            assert answer.structured_content["author"]["slug"] == "mara-lindqvist"
            assert "[1]" in answer.structured_content["answer"]
            found = await client.call_tool(
                "retrieve", {"question": "How warm?", "author": "tomas-okafor", "preset": "fast"}
            )
            passages = found.structured_content["passages"]
            assert {passage["author"] for passage in passages} <= {"tomas-okafor"}
            refused = await client.call_tool("ask", {"question": "Why?", "author": "nobody"})
            assert refused.is_error
            assert "No index of author 'nobody'" in refused.content[0].text

    anyio.run(talk)


@pytest.fixture
def gradio(address: str, tmp_path: Path) -> GradioClient:
    return GradioClient(address, verbose=False, download_files=tmp_path, analytics_enabled=False)


def test_gradio_s_client_asks_and_retrieves(
    gradio: GradioClient, client: httpx.Client, sample_home: TwinSettings
) -> None:
    endpoints = gradio.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/ask", "/retrieve"}
    names = [one["parameter_name"] for one in endpoints["/ask"]["parameters"]]
    assert names == ["question", "author", "preset"]
    answer = gradio.predict(BREAD, api_name="/ask")
    over_http = client.post("/rag", json={"query": BREAD}).json()
    assert answer.keys() == over_http.keys()
    assert answer["answer"] == over_http["answer"]
    assert answer["author"]["slug"] == "mara-lindqvist"
    entry = next(e for e in open_audit_log(sample_home).entries() if e.id == answer["id"])
    assert (entry.through, entry.question) == ("gradio", BREAD)
    found = gradio.predict("How warm?", author="tomas-okafor", preset="fast", api_name="/retrieve")
    assert {passage["author"] for passage in found["passages"]} <= {"tomas-okafor"}
    asked = {"query": "How warm?", "author": "tomas-okafor", "preset": "fast"}
    assert found["passages"] == client.post("/retrieve", json=asked).json()["passages"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": "Why?", "author": "nobody"}, "No index of author 'nobody'"),
        ({"question": "Why?", "preset": "best"}, "preset: Input should be 'fast', 'balanced' or"),
        ({"question": 7}, "question: Input should be a valid string."),
        ({"question": " "}, "The question is empty"),
    ],
)
def test_gradio_s_client_is_told_what_is_wrong(
    gradio: GradioClient, arguments: dict, said: str
) -> None:
    with pytest.raises(AppError) as caught:
        gradio.predict(**arguments, api_name="/ask")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_gradio_s_client_brings_the_key(serve: Serve, tmp_path: Path) -> None:
    address = str(serve(api_key=SecretStr("heat")).base_url)
    kept = {"verbose": False, "download_files": tmp_path, "analytics_enabled": False}
    with pytest.raises(AuthenticationError):
        GradioClient(address, **kept)
    allowed = GradioClient(address, headers={"Authorization": "Bearer heat"}, **kept)
    assert allowed.predict(BREAD, preset="fast", api_name="/retrieve")["passages"]


def test_curl(address: str) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    said = subprocess.run(
        [
            curl,
            "-sS",
            f"{address}/rag",
            "--json",
            json.dumps({"query": BREAD}),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(said.stdout)["author"]["slug"] == "mara-lindqvist"
