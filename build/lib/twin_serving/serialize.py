"""Retrievals and answers as JSON: what ``--json`` prints and the API answers with."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from twin_assets.documents import digest
from twin_serving.answering import Support
from twin_serving.answers import Answer, Citation
from twin_serving.catalog import ServedPartition
from twin_serving.retrieval import IndexUsed, Passage, Retrieval, StageTrace


class AuthorJson(TypedDict):
    """The author that the question is about, and how that was decided."""

    slug: str
    name: str
    matched_by: str


class PartitionJson(TypedDict):
    """An author's index version, and the materialization that vouches for it."""

    author: str
    version: str
    run_id: str
    storage_id: int
    materialized_at: str


class IndexJson(TypedDict):
    """What was searched: with several partitions, a version made of theirs, and the last run."""

    backend: str
    version: str
    run_id: str
    partitions: list[PartitionJson]


class SpanJson(TypedDict):
    """Characters of the document's cleaned text, the end exclusive."""

    start: int
    end: int


class PassageJson(TypedDict):
    """A numbered passage; ``start`` and ``end`` count characters of the cleaned text."""

    n: int
    chunk_id: str
    chunk_ids: list[str]
    document_id: str
    title: str | None
    link: str
    author: str
    category: str
    text: str
    start: int
    end: int
    score: float
    similarity: float
    bm25: float
    support: list[SpanJson]


class StageJson(TypedDict):
    """What a stage did, and how long it took."""

    stage: str
    seconds: float
    skipped: bool
    reason: str | None
    output: dict[str, Any]


class RetrievalJson(TypedDict):
    """The passages for a question."""

    question: str
    searched: str
    author: AuthorJson | None
    index: IndexJson
    passages: list[PassageJson]
    trace: list[StageJson]


class AnswerJson(TypedDict):
    """A cited answer; ``fault`` says why it is not whole."""

    id: str
    question: str
    answer: str
    answered_by: str
    fault: str | None
    compliant: bool
    policy_reason: str | None
    author: AuthorJson | None
    index: IndexJson
    citations: list[PassageJson]
    passages: list[PassageJson]
    trace: list[StageJson]


def answer_dict(answer: Answer) -> AnswerJson:
    """Return the answer: its text, citations, every passage found, and the trace."""
    found = answer.retrieval
    return {
        "id": answer.id,
        "question": found.question,
        "answer": answer.text,
        "answered_by": answer.written.by,
        "fault": answer.fault,
        "compliant": answer.verdict.compliant,
        "policy_reason": answer.verdict.reason,
        "author": _author(found),
        "index": _index(found.index),
        "citations": citation_dicts(answer.citations),
        "passages": passage_dicts(found),
        "trace": trace_dicts(answer.trace),
    }


def retrieval_dict(retrieval: Retrieval) -> RetrievalJson:
    """Return the retrieval: question, author, index, passages and trace."""
    return {
        "question": retrieval.question,
        "searched": retrieval.searched,
        "author": _author(retrieval),
        "index": _index(retrieval.index),
        "passages": passage_dicts(retrieval),
        "trace": trace_dicts(retrieval.trace),
    }


def citation_dicts(citations: Sequence[Citation]) -> list[PassageJson]:
    """Return the cited passages with the words that support the answer."""
    return [_passage(citation.passage, citation.support) for citation in citations]


def passage_dicts(retrieval: Retrieval) -> list[PassageJson]:
    """Return the passages, best first."""
    return [_passage(passage, ()) for passage in retrieval.passages]


def trace_dicts(trace: Sequence[StageTrace]) -> list[StageJson]:
    """Return what each stage did."""
    return [
        {
            "stage": entry.stage,
            "seconds": round(entry.seconds, 6),
            "skipped": entry.skipped,
            "reason": entry.reason,
            "output": dict(entry.output),
        }
        for entry in trace
    ]


def partition_dict(partition: ServedPartition) -> PartitionJson:
    """Return the served version."""
    return {
        "author": partition.author.slug,
        "version": partition.version,
        "run_id": partition.run_id,
        "storage_id": partition.storage_id,
        "materialized_at": partition.materialized_at,
    }


def _author(retrieval: Retrieval) -> AuthorJson | None:
    match = retrieval.author
    if match is None:
        return None
    return {"slug": match.slug, "name": match.name, "matched_by": match.matched_by}


def _index(index: IndexUsed) -> IndexJson:
    versions = [partition.version for partition in index.partitions]
    last = max(index.partitions, key=lambda partition: partition.storage_id)
    return {
        "backend": index.backend,
        "version": versions[0] if len(versions) == 1 else digest(*versions)[:16],
        "run_id": last.run_id,
        "partitions": [partition_dict(partition) for partition in index.partitions],
    }


def _passage(passage: Passage, support: Sequence[Support]) -> PassageJson:
    candidate, document = passage.candidate, passage.candidate.document
    return {
        "n": passage.n,
        "chunk_id": candidate.chunk_id,
        "chunk_ids": list(passage.chunk_ids),
        "document_id": document.document_id,
        "title": document.title,
        "link": document.link,
        "author": document.author,
        "category": document.category.value,
        "text": candidate.text,
        "start": candidate.start,
        "end": candidate.end,
        "score": round(candidate.score, 6),
        "similarity": round(candidate.similarity, 6),
        "bm25": round(candidate.bm25, 6),
        "support": [{"start": words.start, "end": words.end} for words in support],
    }
