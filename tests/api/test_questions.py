"""The routes that questions are asked on, without a model server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_calls import events
from app_servers import SERVED, serving

from twin_assets.settings import TwinSettings
from twin_serving.audit import open_audit_log
from twin_serving.twin import Twin

pytestmark = SERVED

BREAD = "What does Mara Lindqvist say about proofing dough in the fridge?"


def test_rag_answers_with_citations(client: httpx.Client) -> None:
    answer = client.post("/rag", json={"query": BREAD}).json()
    assert answer["answered_by"] == "extractive"
    assert answer["author"]["slug"] == "mara-lindqvist"
    assert answer["fault"] is None
    cited = {citation["n"] for citation in answer["citations"]}
    assert cited
    assert all(f"[{n}]" in answer["answer"] for n in cited)
    assert {passage["n"] for passage in answer["passages"]} >= cited


def test_the_stream_is_trace_passages_tokens_done(client: httpx.Client) -> None:
    with client.stream("POST", "/rag/stream", json={"query": BREAD}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        found = events(response)
    names = [name for name, _ in found]
    assert names[:2] == ["trace", "passages"]
    assert set(names[2:-1]) == {"token"}
    assert names[-1] == "done"
    tokens = [data for name, data in found if name == "token"]
    done = found[-1][1]
    assert "".join(token["text"] for token in tokens) == done["answer"]
    assert {n for token in tokens for n in token["cites"]} == {c["n"] for c in done["citations"]}
    assert found[1][1] == done["passages"]


def test_every_option_of_the_stages_is_taken(client: httpx.Client) -> None:
    asked = {
        "query": "How warm should dough be?",
        "author": "Mara Lindqvist",
        "preset": "thorough",
        "k": 6,
        "top": 1,
        "search": "bm25",
        "rerank": "off",
        "phrasings": 1,
        "use_llm": False,
    }
    found = client.post("/retrieve", json=asked).json()
    assert len(found["passages"]) == 1
    stages = {stage["stage"]: stage for stage in found["trace"]}
    assert stages["search"]["output"]["by"] == "bm25"
    assert len(stages["search"]["output"]["candidates"]) <= 6
    assert stages["rerank"]["skipped"]
    assert found["author"]["matched_by"] == "chosen"


def test_a_follow_up_keeps_the_author(client: httpx.Client) -> None:
    history = [
        {"role": "user", "content": "What does Mara Lindqvist say about rye?"},
        {"role": "assistant", "content": "That it wants a sour starter [1]."},
    ]
    asked = {"query": "And how warm should it be?", "history": history}
    found = client.post("/retrieve", json=asked).json()
    assert found["author"] == {
        "slug": "mara-lindqvist",
        "name": "Mara Lindqvist",
        "matched_by": "the conversation",
    }
    first = found["trace"][0]
    assert (first["stage"], first["skipped"]) == ("conversation", True)
    assert "TWIN_LLM" in first["reason"]


def test_nothing_fitting_is_an_answer(client: httpx.Client) -> None:
    answer = client.post("/rag", json={"query": "What is the capital of Mongolia?"}).json()
    assert answer["citations"] == answer["passages"] == []
    assert "Nothing fitting" in answer["answer"]


@pytest.mark.parametrize("path", ["/rag", "/rag/stream", "/retrieve"])
@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"query": "Why?", "author": "nobody"}, 404, "No index of author 'nobody'"),
        ({"query": "   "}, 422, "body.query"),
        ({"query": "a" * 4001}, 422, "4,001 characters"),
        ({}, 422, "body.query: Field required"),
        ({"query": "Why?", "k": 0}, 422, "body.k"),
        ({"query": "Why?", "colour": "red"}, 422, "body.colour"),
        ({"query": "Why?", "preset": "best"}, 422, "body.preset"),
        ([], 422, "body"),
    ],
)
def test_a_request_that_cannot_be_used_is_a_problem(
    client: httpx.Client, path: str, body: Any, status: int, said: str
) -> None:
    response = client.post(path, json=body)
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert (response.status_code, told["status"]) == (status, status)
    assert said in told["detail"]
    assert "\n" not in told["detail"]
    assert told["error"]["message"] == told["detail"]


def test_what_was_sent_is_not_repeated(client: httpx.Client) -> None:
    response = client.post("/rag", json={"query": {"password": "hunter2"}})
    assert response.status_code == 422
    assert "hunter2" not in response.text


def test_what_is_served(client: httpx.Client) -> None:
    authors = client.get("/authors").json()
    assert [author["slug"] for author in authors] == [
        "ines-carvalho",
        "mara-lindqvist",
        "tomas-okafor",
    ]
    (index,) = client.get("/indexes").json()
    assert index["backend"] == "faiss"
    assert [version["author"] for version in index["versions"]] == [a["slug"] for a in authors]


def test_feedback_is_kept_beside_the_question(
    client: httpx.Client, sample_home: TwinSettings
) -> None:
    answer = client.post("/rag", json={"query": BREAD}).json()
    given = {"id": answer["id"], "vote": "down", "comment": "no", "source": "https://example.com"}
    assert client.post("/feedback", json=given).status_code == 204
    entry = next(e for e in open_audit_log(sample_home).entries() if e.id == answer["id"])
    assert entry.feedback is not None
    assert (entry.feedback.vote, entry.feedback.source) == ("down", "https://example.com")
    assert entry.through == "api"
    assert client.post("/feedback", json={"id": "none", "vote": "up"}).status_code == 404


def test_its_threads_do_not_spin(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from twin_assets.settings import load_settings\n"
        "from twin_serving.api import create_app\n"
        "from twin_serving.twin import Twin\n"
        f"create_app(Twin(load_settings(home={str(tmp_path)!r})))\n"
        "assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE'\n"
        "assert 'torch' not in sys.modules  # it would have read the variable before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_metrics_count_questions(client: httpx.Client) -> None:
    def counted(outcome: str) -> float:
        text = client.get("/metrics").text
        wanted = f'twin_questions_total{{outcome="{outcome}",through="api"}} '
        return sum(float(line[len(wanted) :]) for line in text.split("\n") if wanted in line)

    before = [counted("answered"), counted("found")]
    client.post("/rag", json={"query": BREAD})
    for _ in range(2):
        client.post("/retrieve", json={"query": BREAD})
    assert [counted("answered"), counted("found")] == [before[0] + 1, before[1] + 2]
    text = client.get("/metrics").text
    assert 'twin_stage_seconds_count{stage="search"}' in text


def test_health(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {
        "status": "ready",
        "index": "faiss",
        "authors": 3,
        "answered_by": "extractive",
    }


def test_an_empty_home_is_alive_and_not_ready(settings: TwinSettings) -> None:
    with serving(Twin(settings)) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/readyz", "/authors", "/indexes", "/v1/models"):
            response = client.get(path)
            assert response.status_code == 503
            assert "twin build" in response.json()["detail"]
        assert client.post("/rag", json={"query": "Why?"}).status_code == 503


def test_the_description_names_every_route(client: httpx.Client) -> None:
    described = json.loads(client.get("/openapi.json").text)
    assert set(described["paths"]) == {
        "/rag",
        "/rag/stream",
        "/retrieve",
        "/feedback",
        "/authors",
        "/indexes",
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/chat/completions",
    }


def test_the_audit_trail_can_be_off(serve) -> None:
    client = serve(audit=False)
    answer = client.post("/rag", json={"query": BREAD}).json()
    assert client.post("/feedback", json={"id": answer["id"], "vote": "up"}).status_code == 404
