"""OpenTelemetry spans, one a stage, where an OTLP endpoint is configured; else nothing."""

import os
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from twin_serving.audit import AuditEntry

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NANOSECONDS = 1_000_000_000
_GENERATION = "generation"


class Telemetry:
    """Sends each question as a trace over OTLP/HTTP; the environment is OpenTelemetry's own.

    Spans carry no text of questions, passages or answers: what was said is in the audit trail.
    Names follow OpenTelemetry's conventions for generative AI
    (https://opentelemetry.io/docs/specs/semconv/gen-ai/).
    """

    @property
    def endpoint(self) -> str | None:
        """Where to send to, if anywhere."""
        return next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)

    def send(self, entry: AuditEntry) -> None:
        """Queue the question's spans; a thread sends them.

        Args:
            entry: the question and what became of it.
        """
        if self.endpoint is None:
            return
        started = round(datetime.fromisoformat(entry.at).timestamp() * _NANOSECONDS)
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        root = self._tracer.start_span(
            "twin.question", start_time=started, kind=SpanKind.SERVER, attributes=_asked(entry)
        )
        inside = set_span_in_context(root)
        at = started
        for stage, seconds in entry.stages.items():
            writes = stage == _GENERATION and entry.model is not None
            span = self._tracer.start_span(
                f"chat {entry.model}" if writes else stage,
                context=inside,
                start_time=at,
                kind=SpanKind.CLIENT if writes else SpanKind.INTERNAL,
                attributes=_generation(entry) if writes else {},
            )
            at += round(seconds * _NANOSECONDS)
            if stage == _GENERATION and entry.fault is not None:
                span.set_status(Status(StatusCode.ERROR))
            span.end(at)
        if entry.fault is not None:
            root.set_status(Status(StatusCode.ERROR))
        root.end(max(at, started + round(entry.seconds * _NANOSECONDS)))

    def close(self) -> None:
        """Send what is queued."""
        if "_provider" in self.__dict__:
            self._provider.shutdown()

    @cached_property
    def _provider(self) -> "TracerProvider":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        name = os.environ.get("OTEL_SERVICE_NAME", "twin")
        provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False
        )
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return provider

    @property
    def _tracer(self) -> "Tracer":
        return self._provider.get_tracer("twin")


def _asked(entry: AuditEntry) -> dict[str, Any]:
    said: dict[str, Any] = {
        "twin.question.id": entry.id,
        "twin.question.characters": len(entry.question),
        "twin.through": entry.through,
        "twin.author": entry.author,
        "twin.index": entry.backend,
        "twin.index.versions": _sorted(entry.versions.values()),
        "twin.chunks": entry.chunk_ids,
        "twin.compliant": entry.compliant,
    }
    return _present(said)


def _generation(entry: AuditEntry) -> dict[str, Any]:
    return _present(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": entry.provider,
            "gen_ai.request.model": entry.model,
            "gen_ai.response.finish_reasons": entry.finish and [entry.finish],
            "gen_ai.usage.input_tokens": entry.prompt_tokens,
            "gen_ai.usage.output_tokens": entry.answer_tokens,
        }
    )


def _present(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _sorted(values: Any) -> Sequence[str]:
    return sorted(values)
