"""Real clients against the running application: OpenAI's, Gradio's, an agent's, curl."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import anyio
import openai
import pytest
from app_servers import SERVED
from chat_servers import ChatServer, running_chat
from mcp import Client

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
    with pytest.raises(openai.UnprocessableEntityError, match="last message must be the user's"):
        chat.chat.completions.create(
            model="twin", messages=[*asked["messages"], {"role": "assistant", "content": "Hm."}]
        )


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
