"""The candidates for a question: found by their vectors and by their words, fused, none twice."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category
from twin_assets.stores import Hit, Snapshot
from twin_assets.stores.bm25 import Bm25Scores, WordMatch
from twin_serving.retrieval import Candidate, Search

# Chunks that vectors and words put forward in each collection, for every phrasing, at least.
_POOL = 50

# Left at one half, not tuned: on Cranfield nDCG@10 is 0.418 with it and 0.424 with 0.6, and of the
# handbook's headings 0.95 and 0.94 lead to their article among the first three (30 candidates, no
# rerank).
_VECTORS_SHARE = 0.5

_COLLECTIONS = ThreadPoolExecutor(len(Category), thread_name_prefix="search")


@dataclass(frozen=True, slots=True)
class _Found:
    """A chunk at its best for any phrasing; ``words`` is its share of the best BM25 score."""

    hit: Hit
    bm25: float
    words: float


def search(
    snapshot: Snapshot,
    phrasings: Sequence[str],
    vectors: Vectors,
    k: int,
    *,
    author: str | None = None,
    by: Search = Search.HYBRID,
) -> list[Candidate]:
    """Return at most ``k`` candidates, best first.

    The score of a hybrid search is the mean of the cosine and the BM25 score, each as a share of
    the best that any chunk has; both are computed for every candidate, whichever found it.

    Args:
        snapshot: the index that is searched.
        phrasings: the words of the question, as it was asked and otherwise.
        vectors: the phrasings', normalized float32 (phrasings, dimension).
        k: candidates in all. A third of them comes from each collection; the places that one
            cannot fill, and the rest of the division, go to the best of the others.
        author: searches this author's chunks and no others.
        by: what they are found and ordered by.

    Raises:
        IndexCorruptedError: a version was removed or damaged after it was opened.
        StorageError: the index's database cannot be asked.
    """
    vectors = np.ascontiguousarray(vectors)
    asked = () if by is Search.DENSE else phrasings
    words = [snapshot.bm25.scores(phrasing, author) for phrasing in asked]
    pool = max(k, _POOL)

    def collect(category: Category) -> list[_Found]:
        dense = [] if by is Search.BM25 else snapshot.search(vectors, category, pool, author)
        matches = _matches(words, category, pool)
        known = {hit.chunk.chunk_id for hits in dense for hit in hits}
        missing = [match for match in matches if match.chunk_id not in known]
        compared = snapshot.compare(vectors, category, missing) if missing else []
        return _gather([*dense, *compared], words)

    found = list(_COLLECTIONS.map(collect, Category))
    best = max((one.hit.score for some in found for one in some), default=1.0)
    ranked = [_ranked(some, by, best) for some in found]
    share = k // len(Category)
    chosen = [one for some in ranked for one in some[:share]]
    others = sorted((one for some in ranked for one in some[share:]), key=_by_score)
    ordered = sorted([*chosen, *others[: k - len(chosen)]], key=_by_score)
    return [
        candidate
        for score, one in ordered
        if (candidate := _candidate(snapshot, one, score)) is not None
    ]


def _matches(words: Sequence[Bm25Scores], category: Category, pool: int) -> list[WordMatch]:
    """Return the chunks of the category that hold a phrasing's words, none twice."""
    matches = {match.chunk_id: match for one in words for match in one.best(category, pool)}
    return list(matches.values())


def _gather(found: Sequence[Sequence[Hit]], words: Sequence[Bm25Scores]) -> list[_Found]:
    """Return each chunk once, with its best window and its words."""
    best: dict[str, Hit] = {}
    for hits in found:
        for hit in hits:
            known = best.get(hit.chunk.chunk_id)
            if known is None or hit.score > known.score:
                best[hit.chunk.chunk_id] = hit
    return [_with_words(hit, words) for hit in best.values()]


def _with_words(hit: Hit, words: Sequence[Bm25Scores]) -> _Found:
    scores = [one.of(hit.chunk.author, hit.chunk.chunk_id) for one in words]
    shares = [score / one.highest for score, one in zip(scores, words, strict=True) if score]
    return _Found(hit, max(scores, default=0.0), max(shares, default=0.0))


def _ranked(found: Sequence[_Found], by: Search, best: float) -> list[tuple[float, _Found]]:
    return sorted(((_score(one, by, best), one) for one in found), key=_by_score)


def _score(one: _Found, by: Search, best: float) -> float:
    match by:
        case Search.DENSE:
            return one.hit.score
        case Search.BM25:
            return one.words
    similarity = one.hit.score / best if best > 0 else 0.0
    return _VECTORS_SHARE * similarity + (1 - _VECTORS_SHARE) * one.words


def _by_score(scored: tuple[float, _Found]) -> float:
    return -scored[0]


def _candidate(snapshot: Snapshot, found: _Found, score: float) -> Candidate | None:
    chunk = found.hit.chunk
    document = snapshot.document(chunk)
    if document is None:
        return None
    return Candidate(
        chunk_id=chunk.chunk_id,
        document=document,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        tokens=chunk.tokens,
        similarity=found.hit.score,
        bm25=found.bm25,
        score=score,
    )
