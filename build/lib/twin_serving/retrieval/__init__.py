"""From a question to numbered passages, stage by stage, every stage traced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from twin_assets.documents import CleanedDocument
from twin_serving.catalog import ServedPartition


class Search(StrEnum):
    """What candidates are found by."""

    HYBRID = "hybrid"
    DENSE = "dense"
    BM25 = "bm25"


class Rerank(StrEnum):
    """What candidates are put in order by.

    ``auto`` is the cross-encoder where its weights are at hand, else late interaction.
    """

    AUTO = "auto"
    CROSS_ENCODER = "cross-encoder"
    LATE_INTERACTION = "late-interaction"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """What a question may ask of the stages.

    ``k`` candidates are searched, a third of them in each collection; ``top`` of them become the
    context. ``author`` (a slug) skips the self-query. ``use_llm`` lets the language model take part
    before the answer: write a follow-up so that it stands alone, decide what the self-query's rules
    cannot, and find other words. ``phrasings`` is how many ways the question is then searched in,
    the asked one included.
    """

    author: str | None = None
    # The first three passages, which is what a user gets of them, are as good with 9 candidates as
    # with 30 (Cranfield, late interaction: nDCG@3 0.361 and recall@3 0.241 with both), and 30 take
    # three times as long to rerank. nDCG@10 is 0.404 and 0.416: 9 leave the tenth place empty.
    k: int = 9
    top: int = 3
    use_llm: bool = True
    phrasings: int = 3
    search: Search = Search.HYBRID
    rerank: Rerank = Rerank.AUTO


PRESETS = {
    "fast": RetrievalOptions(use_llm=False, phrasings=1, rerank=Rerank.OFF),
    "balanced": RetrievalOptions(),
    "thorough": RetrievalOptions(k=30, top=5, phrasings=5),
}


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

    ``similarity`` is the best window's cosine to the question, ``bm25`` what its words score;
    ``score`` is what the last stage ordered by. ``start`` and ``end`` are offsets into the
    document's cleaned text.
    """

    chunk_id: str
    document: CleanedDocument
    start: int
    end: int
    text: str
    tokens: int
    similarity: float
    bm25: float
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A candidate that made it into the context, with the number it is cited by.

    Chunks of one document that touch are one passage: its candidate is the best of them, with the
    span and text of all, whose ids are ``chunk_ids``, in the order of their rank.
    """

    n: int
    candidate: Candidate
    chunk_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexUsed:
    """Which index answered: the partitions that were searched."""

    backend: str
    partitions: tuple[ServedPartition, ...]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The passages for a question, and how they were found.

    ``searched`` is the question as it stands alone: what was asked, unless it followed on others.
    """

    question: str
    searched: str
    author: AuthorMatch | None
    index: IndexUsed
    passages: tuple[Passage, ...]
    trace: tuple[StageTrace, ...]
