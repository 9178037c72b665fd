"""Whether it lives, whether it can answer, and how it has been doing (Prometheus)."""

from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from typing_extensions import TypedDict

from twin_serving.api.problems import problems
from twin_serving.audit import AuditEntry
from twin_serving.twin import Twin

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Alive(TypedDict):
    """The process answers."""

    status: str


class Ready(TypedDict):
    """Questions can be answered."""

    status: str
    index: str
    authors: int
    answered_by: str


class Metrics:
    """Counts questions as they are answered."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._questions = Counter(
            "twin_questions",
            "Questions, by surface and by how they ended.",
            ["through", "outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "twin_question_seconds",
            "From the question to its whole answer.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "twin_stage_seconds",
            "Seconds of each stage.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "twin_model_tokens",
            "Tokens, as the model server counts them.",
            ["model", "kind"],
            registry=self.registry,
        )

    def count(self, entry: AuditEntry) -> None:
        """Count the question."""
        self._questions.labels(entry.through, _outcome(entry)).inc()
        if entry.provider is not None:
            self._seconds.observe(entry.seconds)
        for stage, seconds in entry.stages.items():
            self._stages.labels(stage).observe(seconds)
        for kind, tokens in (("prompt", entry.prompt_tokens), ("answer", entry.answer_tokens)):
            if entry.model and tokens:
                self._tokens.labels(entry.model, kind).inc(tokens)


def _outcome(entry: AuditEntry) -> str:
    if entry.fault is not None:
        return "fault"
    if not entry.chunk_ids:
        return "nothing found"
    return "found" if entry.provider is None else "answered"


def health_routes(twin: Twin) -> APIRouter:
    """Return the routes that say how the server is."""
    routes = APIRouter(tags=["health"])
    metrics = Metrics()
    twin.listeners.append(metrics.count)

    @routes.get("/healthz", responses={421: problems()[421]})
    async def healthz() -> Alive:
        """Say that the process answers."""
        return {"status": "ok"}

    @routes.get("/readyz", responses={status: problems(503)[status] for status in (421, 503)})
    async def readyz() -> Ready:
        """Say that an index is served, so that questions can be answered."""
        served = await to_thread.run_sync(twin.catalog.served)
        return {
            "status": "ready",
            "index": served.backend,
            "authors": len(served.partitions),
            "answered_by": twin.settings.llm,
        }

    @routes.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **problems()},
    )
    async def prometheus() -> Response:
        """Report to Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
