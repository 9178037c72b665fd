"""A model server that fails in every way: one line says so, and the passages are there still."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx
import pytest
from api_calls import Serve, events
from app_servers import SERVED
from chat_servers import ChatServer, running_chat
from mcp import Client
from stand_in_http import BREAK_OFF, GARBAGE, STALL
from tgi_servers import TgiServer, running_tgi

from twin_serving.llm import guarded

pytestmark = SERVED

QUESTION = "What does Mara Lindqvist say about proofing dough in the fridge?"
FAST = {"query": QUESTION, "preset": "fast"}
OVERLOADED = {"error": "Model is overloaded", "error_type": "overloaded"}


@pytest.fixture
def tgi(monkeypatch: pytest.MonkeyPatch) -> Iterator[TgiServer]:
    monkeypatch.setattr(guarded, "_PAUSE_SECONDS", 0.01)
    with running_tgi(TgiServer(max_input_tokens=8000, max_total_tokens=9000)) as server:
        yield server
    assert server.violations == []


@pytest.fixture
def asked(serve: Serve, tgi: TgiServer) -> httpx.Client:
    """The application in front of the TGI stand-in, which is impatient."""
    return serve(llm="tgi", tgi_url=tgi.url, llm_timeout_seconds=0.5)


def assert_passages_survive(client: httpx.Client, said: str) -> dict[str, Any]:
    """The fault in one line, whole and streamed, with every passage that was found."""
    response = client.post("/rag", json=FAST)
    assert response.status_code == 502
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert said in told["detail"]
    assert "\n" not in told["detail"]
    assert told["passages"]
    with client.stream("POST", "/rag/stream", json=FAST) as stream:
        assert stream.status_code == 200
        found = events(stream)
    names = [name for name, _ in found]
    assert names[:2] == ["trace", "passages"]
    assert names[-2:] == ["error", "done"]
    assert found[1][1] == told["passages"]
    assert said in found[-2][1]["detail"]
    assert said in found[-1][1]["fault"]
    return told


def leave(client: httpx.Client, path: str, body: dict, when: Callable[[], bool]) -> None:
    """Ask, and close the connection when it is time."""

    async def ask_and_leave() -> None:
        async with httpx.AsyncClient(base_url=client.base_url, timeout=60) as asker:
            with anyio.move_on_after(60):
                async with anyio.create_task_group() as group:
                    group.start_soon(lambda: asker.post(path, json=body))
                    while not when():
                        await anyio.sleep(0.01)
                    group.cancel_scope.cancel()

    anyio.run(ask_and_leave)
    assert when()


def test_a_working_server_first(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.reply = lambda request: "In the fridge [1], for a day [1, 2] or two [42]."
    answer = asked.post("/rag", json=FAST).json()
    assert answer["answer"] == "In the fridge [1], for a day [1] [2] or two."
    assert answer["answered_by"] == "tgi: tiny"
    assert [citation["n"] for citation in answer["citations"]] == [1, 2]
    stage = answer["trace"][-1]
    assert stage["output"]["dropped_citations"] == [42]
    assert stage["output"]["answer_tokens"] > 5
    prompt = tgi.requests[0]["messages"]
    assert [message["role"] for message in prompt] == ["system", "user"]
    assert prompt[1]["content"].endswith(QUESTION)
    assert QUESTION not in answer["answer"]


def test_it_is_down(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_PAUSE_SECONDS", 0.01)
    client = serve(llm="tgi", tgi_url="http://user:secret@127.0.0.1:9")
    told = assert_passages_survive(client, "cannot be reached")
    assert "TWIN_TGI_URL" in told["detail"]
    assert "secret" not in json.dumps(told)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (f"In the {STALL} fridge.", "silent for 0.5 s"),
        (f"In the {BREAK_OFF} fridge.", "broke off"),
        (f"In the {GARBAGE} fridge.", "cannot be read"),
    ],
)
def test_it_fails_in_the_middle(asked: httpx.Client, tgi: TgiServer, reply: str, said: str) -> None:
    tgi.reply = lambda request: reply
    told = assert_passages_survive(asked, said)
    assert told["answer"] == "In the"


@pytest.mark.parametrize(
    ("status", "error", "times"),
    [
        (429, OVERLOADED, 3),
        (500, {"error": "shard died", "error_type": "generation"}, 3),
        (424, {"error": "no memory", "error_type": "generation"}, 1),
    ],
)
def test_it_refuses(
    asked: httpx.Client, tgi: TgiServer, status: int, error: dict[str, str], times: int
) -> None:
    tgi.refuse += [(status, error, {})] * times * 2
    assert_passages_survive(asked, f"answers {status}: {error['error']}")
    assert len(tgi.requests) == times * 2


def test_it_is_busy_for_a_moment(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.refuse += [(429, OVERLOADED, {"Retry-After": "0.01"})] * 2
    assert asked.post("/rag", json=FAST).json()["answer"] == "Hello."


@pytest.mark.parametrize("preset", ["balanced", "thorough"])
def test_a_silent_server_is_waited_for_once_before_the_passages(
    asked: httpx.Client, tgi: TgiServer, preset: str
) -> None:
    tgi.reply = lambda request: STALL
    turns = [{"role": "user", "content": "Who bakes?"}, {"role": "assistant", "content": "Mara."}]
    body = {
        "query": "And what does she say about proofing dough in the fridge?",
        "preset": preset,
        "history": turns,
    }
    told = asked.post("/retrieve", json=body).json()
    assert told["passages"]
    assert len(tgi.requests) == 1
    reasons = {stage["stage"]: stage["reason"] for stage in told["trace"]}
    assert "silent" in reasons["conversation"]
    assert reasons["expansion"] == reasons["conversation"]


def test_half_a_character_costs_nothing_else(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.reply = lambda request: "In the \ud800 fridge [1]."
    answer = asked.post("/rag", json=FAST).json()
    assert answer["answer"] == "In the ? fridge [1]."
    with asked.stream("POST", "/rag/stream", json=FAST) as stream:
        assert events(stream)[-1][1]["answer"] == answer["answer"]


def test_a_limit_that_the_server_does_not_tell_can_be_set(serve: Serve) -> None:
    with running_chat(ChatServer(models=[{"id": "tiny", "object": "model"}])) as server:
        for tokens, few in ((0, False), (1400, True)):
            client = serve(llm="openai", openai_url=server.url, llm_context_tokens=tokens)
            answer = client.post("/rag", json=FAST).json()
            given = answer["trace"][-1]["output"]["passages"]
            assert (given < len(answer["passages"])) is few


def test_it_wants_another_key(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.key = "another"
    assert_passages_survive(asked, "refuses the key. Set TWIN_TGI_API_KEY")


def test_it_knows_no_chat(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.chat_template = False
    tgi.reply = lambda request: "In the fridge [1]."
    answer = asked.post("/rag", json=FAST).json()
    assert answer["answer"] == "In the fridge [1]."
    assert tgi.requests[-1]["inputs"].endswith(f"{QUESTION}\n\nAnswer:")


def test_the_context_is_too_long_for_it(asked: httpx.Client, tgi: TgiServer) -> None:
    """Passages are left out until it fits; with none that fits, the line says so."""
    assert asked.post("/rag", json=FAST).status_code == 200  # it has said what it reads
    tgi.reply = lambda request: "In the fridge [1] [3]."
    passages = len(asked.post("/rag", json=FAST).json()["passages"])
    assert passages > 1
    words = [len(str(r["messages"]).split()) for r in tgi.requests]
    tgi.max_total_tokens = 512 + words[-1] - 50
    answer = asked.post("/rag", json=FAST).json()
    assert answer["answer"] == "In the fridge [1]."
    assert answer["trace"][-1]["output"]["passages"] == 1
    assert len(answer["passages"]) == passages
    tgi.max_total_tokens = 600
    assert_passages_survive(asked, "answers 422: Input validation error: `inputs` tokens + `max")


def test_a_small_model_is_given_what_it_has_room_for(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.max_total_tokens = 512 + 820
    tgi.reply = lambda request: "In the fridge [1]."
    answer = asked.post("/rag", json=FAST).json()
    assert "detail" not in answer, answer["detail"]
    assert answer["trace"][-1]["output"]["passages"] == 1
    assert len(tgi.requests) == 1  # it was not tried with more


def test_it_thinks_before_it_answers(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.reply = lambda request: "<think> The fridge [2]? </think> In the fridge [1]."
    with asked.stream("POST", "/rag/stream", json=FAST) as stream:
        found = events(stream)
    said = "".join(data["text"] for name, data in found if name == "token")
    assert said == found[-1][1]["answer"] == "In the fridge [1]."
    assert [citation["n"] for citation in found[-1][1]["citations"]] == [1]
    tgi.reply = lambda request: "<think> The fridge [2]? No, the"
    told = assert_passages_survive(asked, "The model thought and did not answer")
    assert told["answer"] == ""


def test_a_cut_answer_says_so(serve: Serve, tgi: TgiServer) -> None:
    tgi.reply = lambda request: "word " * 100
    client = serve(llm="tgi", tgi_url=tgi.url, answer_tokens=16)
    answer = client.post("/rag", json=FAST).json()
    assert len(answer["answer"].split()) == 16
    assert "TWIN_ANSWER_TOKENS" in answer["trace"][-1]["reason"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/rag", FAST),
        ("/rag/stream", FAST),
        (
            "/v1/chat/completions",
            {"model": "twin", "messages": [{"role": "user", "content": QUESTION}]},
        ),
        (
            "/v1/chat/completions",
            {"model": "twin", "stream": True, "messages": [{"role": "user", "content": QUESTION}]},
        ),
    ],
    ids=["rag", "stream", "chat", "chat stream"],
)
def test_a_client_who_leaves_ends_the_request_to_the_model(
    serve: Serve, tgi: TgiServer, path: str, body: dict
) -> None:
    tgi.reply = lambda request: f"In the {STALL} fridge." if request.get("stream") else "{}"
    client = serve(llm="tgi", tgi_url=tgi.url)  # patient: only the leaving ends it
    leave(client, path, body, lambda: any(request.get("stream") for request in tgi.requests))
    assert tgi.broken_off.wait(1)


@pytest.mark.parametrize("path", ["/retrieve", "/rag", "/rag/stream", "/v1/chat/completions"])
def test_a_client_who_leaves_before_the_answer_ends_the_expansion_too(
    serve: Serve, tgi: TgiServer, path: str
) -> None:
    tgi.reply = lambda request: STALL
    client = serve(llm="tgi", tgi_url=tgi.url)
    body = {"query": QUESTION, "model": "twin", "messages": [{"role": "user", "content": QUESTION}]}
    wanted = ["model", "messages"] if path.startswith("/v1") else ["query"]
    leave(client, path, {name: body[name] for name in wanted}, lambda: bool(tgi.requests))
    assert tgi.broken_off.wait(1)
    assert not any(request.get("stream") for request in tgi.requests)


def test_an_agent_who_leaves_ends_the_request_to_the_model(serve: Serve, tgi: TgiServer) -> None:
    tgi.reply = lambda request: f"In the {STALL} fridge."
    client = serve(llm="tgi", tgi_url=tgi.url)

    async def call_and_leave() -> None:
        async with Client(f"{client.base_url}/mcp") as agent, anyio.create_task_group() as group:
            group.start_soon(agent.call_tool, "ask", {"question": QUESTION, "preset": "fast"})
            while not tgi.requests:
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    anyio.run(call_and_leave)
    assert tgi.broken_off.wait(1)


def test_openai_s_clients_are_told_too(asked: httpx.Client, tgi: TgiServer) -> None:
    tgi.reply = lambda request: f"In the {GARBAGE} fridge." if request.get("stream") else "{}"
    body = {"model": "twin", "messages": [{"role": "user", "content": QUESTION}]}
    response = asked.post("/v1/chat/completions", json=body)
    assert response.status_code == 502
    assert "cannot be read" in response.json()["error"]["message"]
    assert response.json()["citations"]
    assert response.headers["x-should-retry"] == "false"
    with asked.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as stream:
        *_, last = [line for line in stream.iter_lines() if line.startswith("data: ")]
    told = json.loads(last[6:])
    assert "cannot be read" in told["error"]["message"]
    assert told["citations"] == response.json()["citations"]
