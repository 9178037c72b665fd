"""What is known of a question while it is answered, and in the end its row in the audit trail."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter, time_ns
from typing import Any
from uuid import uuid4

from twin_serving.answering import Piece, Written
from twin_serving.answers import Answer, Citation, cite
from twin_serving.audit import AuditEntry
from twin_serving.governance import Verdict
from twin_serving.retrieval import Retrieval, StageTrace

_REFUSED = 4000  # characters kept of a question that was not answered: it may be without end


@dataclass(slots=True)
class Record:
    """What is known of a question so far."""

    question: str
    through: str
    id: str = field(default_factory=lambda: uuid4().hex)
    started: float = field(default_factory=perf_counter)
    started_ns: int = field(default_factory=time_ns)
    retrieval: Retrieval | None = None
    trace: tuple[StageTrace, ...] = ()
    pieces: list[Piece] = field(default_factory=list)
    written: Written | None = None
    verdict: Verdict | None = None
    fault: str | None = None
    kept: bool = False

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(piece.text for piece in self.pieces).strip()

    def end(self, seconds: float, first: float | None) -> None:
        """Add the generation to the trace."""
        assert self.retrieval is not None  # noqa: S101  # there is no generation without it
        assert self.written is not None  # noqa: S101
        written, reason = self.written, self.fault
        if not self.retrieval.passages:
            reason = "there is no passage to answer from"
        elif reason is None and written.finish == "length":
            reason = "cut where the limit was reached (TWIN_ANSWER_TOKENS)"
        output: dict[str, Any] = {
            "answered_by": written.by,
            "cited": [citation.passage.n for citation in self.citations()],
        }
        if written.model is not None:
            output |= {
                "dropped_citations": list(written.dropped),
                "passages": written.passages,
                "prompt_tokens": written.prompt_tokens,
                "answer_tokens": written.answer_tokens,
                "first_word_seconds": None if first is None else round(first, 6),
            }
        stage = StageTrace(
            "generation", seconds, output, skipped=not self.retrieval.passages, reason=reason
        )
        self.trace = (*self.trace, stage)

    def citations(self) -> tuple[Citation, ...]:
        """Return what the answer so far cites."""
        return cite(self.retrieval.passages if self.retrieval else (), self.pieces)

    def answer(self) -> Answer:
        """Return the answer, once it is written and judged."""
        assert self.retrieval is not None  # noqa: S101
        assert self.written is not None  # noqa: S101
        assert self.verdict is not None  # noqa: S101
        return Answer(
            self.id,
            self.retrieval,
            self.text,
            self.written,
            self.citations(),
            self.trace,
            self.verdict,
            self.fault,
        )

    def entry(self) -> AuditEntry:
        """Return the row for the audit trail, as far as it is known."""
        found, written, verdict = self.retrieval, self.written, self.verdict
        passages = found.passages if found else ()
        return AuditEntry(
            id=self.id,
            at=datetime.fromtimestamp(self.started_ns / 1e9, UTC).isoformat(
                timespec="milliseconds"
            ),
            through=self.through,
            question=found.question if found else self.question[:_REFUSED],
            searched=found.searched if found and found.searched != found.question else None,
            author=found.author.slug if found and found.author else None,
            authors=tuple(dict.fromkeys(p.candidate.document.author for p in passages)),
            backend=found.index.backend if found else None,
            versions={p.author.slug: p.version for p in found.index.partitions} if found else {},
            stages={stage.stage: round(stage.seconds, 6) for stage in self.trace},
            seconds=round(perf_counter() - self.started, 6),
            chunk_ids=tuple(chunk_id for p in passages for chunk_id in p.chunk_ids),
            cited=tuple(
                dict.fromkeys(c.passage.candidate.document.document_id for c in self.citations())
            ),
            provider=written.provider if written else None,
            model=written.model if written else None,
            prompt_tokens=written.prompt_tokens if written else None,
            answer_tokens=written.answer_tokens if written else None,
            answer=self.text,
            finish=written.finish if written else None,
            fault=self.fault,
            compliant=verdict.compliant if verdict else None,
            policy_reason=verdict.reason if verdict else None,
        )
