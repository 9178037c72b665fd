"""From a question to numbered passages, stage by stage, every stage traced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twin_assets.documents import CleanedDocument
from twin_serving.catalog import ServedPartition


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """What a question may ask of the stages.

    ``k`` candidates are searched, a third of them in each collection; ``top`` of them become the
    context. ``author`` (a slug) skips the self-query.
    """

    author: str | None = None
    k: int = 9
    top: int = 3
    rerank: bool = True


@dataclass(frozen=True, slots=True)
class StageTrace:
    """What one stage did: ``output`` is JSON-ready, ``reason`` says why it did what it did."""

    stage: str
    seconds: float
    output: Mapping[str, Any] = field(default_factory=dict)
    skipped: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorMatch:
    """The author that a question is about; ``matched_by`` says how that was decided."""

    slug: str
    name: str
    matched_by: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk on its way through the stages.

    ``similarity`` is the best window's cosine to the question; ``score`` is what the last stage
    ordered by. ``start`` and ``end`` are offsets into the document's cleaned text.
    """

    chunk_id: str
    document: CleanedDocument
    start: int
    end: int
    text: str
    tokens: int
    similarity: float
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A candidate that made it into the context, with the number it is cited by."""

    n: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class IndexUsed:
    """Which index answered: the partitions that were searched."""

    backend: str
    partitions: tuple[ServedPartition, ...]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The passages for a question, and how they were found."""

    question: str
    author: AuthorMatch | None
    index: IndexUsed
    passages: tuple[Passage, ...]
    trace: tuple[StageTrace, ...]
