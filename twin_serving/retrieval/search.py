"""The candidates for a question: each collection searched, results merged, none twice."""

from collections.abc import Iterable

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
        k: candidates in all; a third of them comes from each collection, the rest of a division
            from the first. What a collection does not have comes from the others.
        author: searches this author's rows and no others.
    """
    share, rest = divmod(k, len(Category))
    chosen: list[Hit] = []
    more: list[Hit] = []
    for place, category in enumerate(Category):
        best: dict[str, Hit] = {}
        for hits in snapshot.search(np.ascontiguousarray(vectors), category, k, author):
            for hit in hits:
                known = best.get(hit.chunk.chunk_id)
                if known is None or hit.score > known.score:
                    best[hit.chunk.chunk_id] = hit
        found = _best_first(best.values())
        wanted = share + (place < rest)
        chosen += found[:wanted]
        more += found[wanted:]
    chosen += _best_first(more)[: k - len(chosen)]
    ordered = _best_first(chosen)
    return [candidate for hit in ordered if (candidate := _candidate(snapshot, hit))]


def _best_first(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: -hit.score)


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
