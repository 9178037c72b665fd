"""Retrievals and answers as plain dictionaries: what `--json` prints."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from twin_assets.documents import digest
from twin_serving.llm import Support
from twin_serving.retrieval import IndexUsed, Passage, Retrieval, StageTrace
from twin_serving.twin import Answer


def answer_dict(answer: Answer) -> dict[str, Any]:
    """Return the answer: question, answer, answered_by, author, index, citations and trace."""
    return {
        "question": answer.retrieval.question,
        "answer": answer.text,
        "answered_by": answer.answered_by,
        "author": _author(answer.retrieval),
        "index": _index(answer.retrieval.index),
        "citations": [_passage(c.passage, c.support) for c in answer.citations],
        "trace": _trace(answer.trace),
    }


def retrieval_dict(retrieval: Retrieval) -> dict[str, Any]:
    """Return the retrieval: question, author, index, passages and trace."""
    return {
        "question": retrieval.question,
        "author": _author(retrieval),
        "index": _index(retrieval.index),
        "passages": [_passage(passage, ()) for passage in retrieval.passages],
        "trace": _trace(retrieval.trace),
    }


def _author(retrieval: Retrieval) -> dict[str, str] | None:
    return asdict(retrieval.author) if retrieval.author else None


def _index(index: IndexUsed) -> dict[str, Any]:
    """Return the index: with several partitions, one version made of theirs, and the last run."""
    partitions = [
        {
            "author": partition.author.slug,
            "version": partition.version,
            "run_id": partition.run_id,
            "storage_id": partition.storage_id,
            "materialized_at": partition.materialized_at,
        }
        for partition in index.partitions
    ]
    versions = [partition.version for partition in index.partitions]
    last = max(index.partitions, key=lambda partition: partition.storage_id)
    return {
        "backend": index.backend,
        "version": versions[0] if len(versions) == 1 else digest(*versions)[:16],
        "run_id": last.run_id,
        "partitions": partitions,
    }


def _passage(passage: Passage, support: Sequence[Support]) -> dict[str, Any]:
    """Return the passage; offsets count characters of the document's cleaned text."""
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


def _trace(trace: Sequence[StageTrace]) -> list[dict[str, Any]]:
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
