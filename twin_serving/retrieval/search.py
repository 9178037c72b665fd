"""The candidates for a question: each collection searched, results merged, none twice."""

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category
from twin_assets.stores import Hit, Snapshot
from twin_serving.retrieval import Candidate


def search(
    snapshot: Snapshot, vectors: Vectors, k: int, author: str | None = None
) -> list[Candidate]:
    """Return at most ``k`` candidates, best first.

    Args:
        snapshot: the index that is searched.
        vectors: the question's phrasings, normalized float32 (phrasings, dimension).
        k: candidates in all. A third of them comes from each collection; the places that one
            cannot fill, and the rest of the division, go to the best of the others.
        author: searches this author's rows and no others.
    """
    vectors = np.ascontiguousarray(vectors)
    found = [_best(snapshot.search(vectors, category, k, author), k) for category in Category]
    share = k // len(Category)
    chosen = [hit for hits in found for hit in hits[:share]]
    others = sorted((hit for hits in found for hit in hits[share:]), key=_by_score)
    ordered = sorted([*chosen, *others[: k - len(chosen)]], key=_by_score)
    return [candidate for hit in ordered if (candidate := _candidate(snapshot, hit))]


def _by_score(hit: Hit) -> float:
    return -hit.score


def _best(found: list[list[Hit]], k: int) -> list[Hit]:
    """Return the ``k`` best chunks that any phrasing found, best first, none twice."""
    best: dict[str, Hit] = {}
    for hits in found:
        for hit in hits:
            known = best.get(hit.chunk.chunk_id)
            if known is None or hit.score > known.score:
                best[hit.chunk.chunk_id] = hit
    return sorted(best.values(), key=_by_score)[:k]


def _candidate(snapshot: Snapshot, hit: Hit) -> Candidate | None:
    document = snapshot.document(hit.chunk)
    if document is None:
        return None
    return Candidate(
        chunk_id=hit.chunk.chunk_id,
        document=document,
        start=hit.chunk.start,
        end=hit.chunk.end,
        text=hit.chunk.text,
        tokens=hit.chunk.tokens,
        similarity=hit.score,
        score=hit.score,
    )
