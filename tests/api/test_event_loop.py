"""Nothing blocks the event loop: a blocking call in it is an error while these questions run."""

import json
from collections.abc import Iterator

import anyio
import httpx
import pytest
import uvicorn
from app_servers import SERVED
from blockbuster import blockbuster_ctx
from chat_servers import ChatServer, running_chat

from twin_serving.api import create_app
from twin_serving.twin import Twin

pytestmark = SERVED

ASKED = {"query": "What does Mara Lindqvist say about rye?"}


@pytest.fixture(params=["extractive", "openai"])
def twin(request: pytest.FixtureRequest, sample_home) -> Iterator[Twin]:
    def reply(asked: dict) -> str:
        if "<passages>" in asked["messages"][-1]["content"]:
            return "Sour [1]."
        return json.dumps({"question": "Rye?", "phrasings": ["Rye dough"]})

    with running_chat(ChatServer(reply)) as server:
        changes = {"llm": request.param, "openai_url": server.url}
        yield Twin(sample_home.model_copy(update=changes))


def test_no_question_blocks_the_event_loop(twin: Twin) -> None:
    """The first question may load what it needs; it is asked before."""

    async def ask_all() -> None:
        config = uvicorn.Config(create_app(twin), log_level="warning", ws="none", port=0)
        server = uvicorn.Server(config)
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve)
            while not server.started:
                await anyio.sleep(0.05)
            port = server.servers[0].sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                await _ask(client)
                with blockbuster_ctx("twin_serving"):
                    await _ask(client)
            server.should_exit = True

    anyio.run(ask_all)


async def _ask(client: httpx.AsyncClient) -> None:
    turns = [{"role": "user", "content": "What does Mara Lindqvist say?"}]
    chat = {"model": "twin", "messages": [{"role": "user", "content": ASKED["query"]}]}
    for path, body in (
        ("/rag", ASKED),
        ("/rag", ASKED | {"history": turns}),
        ("/rag/stream", ASKED),
        ("/retrieve", ASKED),
        ("/v1/chat/completions", chat),
        ("/v1/chat/completions", chat | {"stream": True}),
    ):
        response = await client.post(path, json=body)
        assert response.status_code == 200, response.text
        assert "event: error" not in response.text
        assert '"error":' not in response.text
    for path in ("/authors", "/indexes", "/readyz", "/metrics", "/v1/models"):
        assert (await client.get(path)).status_code == 200
    answer = (await client.post("/rag", json=ASKED)).json()
    given = {"id": answer["id"], "vote": "up"}
    assert (await client.post("/feedback", json=given)).status_code == 204
