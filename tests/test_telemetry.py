"""Spans over OTLP to a stand-in of a collector: the real protocol on a real socket."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from typing import Any

import pytest
from chat_servers import BREAK_OFF, ChatServer, running_chat
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

_ERROR = 2  # of OTLP's Status.StatusCode
QUESTION = "What does Mara Lindqvist say about rye?"


class Collector:
    def __init__(self) -> None:
        self.paths: list[str] = []
        self.spans: list[Any] = []
        self.services: set[str] = set()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    got = Collector()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ExportTraceServiceRequest.FromString(body)
            got.paths.append(self.path)
            for resource in request.resource_spans:
                got.services |= {
                    a.value.string_value
                    for a in resource.resource.attributes
                    if a.key == "service.name"
                }
                got.spans += [span for scope in resource.scope_spans for span in scope.spans]
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        yield got
        server.shutdown()
        thread.join()


def attributes(span: Any) -> dict[str, Any]:
    def value(one: Any) -> Any:
        found = getattr(one, one.WhichOneof("value"))
        return [value(item) for item in found.values] if hasattr(found, "values") else found

    return {a.key: value(a.value) for a in span.attributes}


def test_a_question_is_a_trace_with_a_span_a_stage(sample_home, collector: Collector) -> None:
    with running_chat(ChatServer(lambda request: "Sour [1].")) as server:
        twin = Twin(sample_home.model_copy(update={"llm": "openai", "openai_url": server.url}))
        answer = twin.ask(QUESTION, RetrievalOptions(use_llm=False, phrasings=1))
        twin.telemetry.close()
    assert collector.paths == ["/v1/traces"]
    assert collector.services == {"twin"}
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    inside = [span for span in collector.spans if span.parent_span_id == root.span_id]
    assert len({span.trace_id for span in collector.spans}) == 1
    assert [span.name for span in inside] == [
        *(stage.stage for stage in answer.retrieval.trace),
        "chat tiny",
    ]
    assert attributes(inside[-1]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "tiny",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 2,
    }
    asked = attributes(root)
    assert asked["twin.question.id"] == answer.id
    assert asked["twin.author"] == "mara-lindqvist"
    spans = sorted(inside, key=lambda span: span.start_time_unix_nano)
    assert all(a.end_time_unix_nano <= b.start_time_unix_nano for a, b in pairwise(spans))
    assert root.start_time_unix_nano == spans[0].start_time_unix_nano
    assert root.end_time_unix_nano >= spans[-1].end_time_unix_nano
    everything = str(collector.spans)
    assert "rye" not in everything
    assert "Sour" not in everything


def test_a_model_that_fails_is_seen_in_its_span(sample_home, collector: Collector) -> None:
    with running_chat(ChatServer(lambda request: f"Sour {BREAK_OFF}")) as server:
        twin = Twin(sample_home.model_copy(update={"llm": "openai", "openai_url": server.url}))
        twin.ask(QUESTION, RetrievalOptions(use_llm=False, phrasings=1))
        twin.telemetry.close()
    failed = [span for span in collector.spans if span.status.code == _ERROR]
    assert {span.name for span in failed} == {"twin.question", "chat tiny"}
    assert {span.status.message for span in failed} == {""}  # what a server says may be anything


def test_passages_alone_are_a_trace_too(sample_home, collector: Collector) -> None:
    twin = Twin(sample_home)
    retrieval = twin.retrieve(QUESTION, RetrievalOptions())
    twin.telemetry.close()
    names = [span.name for span in collector.spans]
    assert sorted(names) == sorted(["twin.question", *(s.stage for s in retrieval.trace)])


def test_nothing_is_sent_where_nothing_is_configured(sample_home) -> None:
    twin = Twin(sample_home)
    twin.ask(QUESTION, RetrievalOptions())
    assert "_provider" not in vars(twin.telemetry)
