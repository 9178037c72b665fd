"""Late interaction: candidates ordered by how well each word of the question is met in them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twin_assets.artifacts import Vectors
from twin_serving.retrieval import Candidate
from twin_serving.retrieval.readings import readings
from twin_serving.retrieval.token_vectors import TokenVectors

# On Cranfield, with 30 candidates, nDCG@3 is 0.361 with the mean of both orders, 0.358 with the
# search's own and 0.339 with MaxSim alone; nDCG@10 is 0.416, 0.418 and 0.380, and with the cosine
# instead of the search's score 0.391. Of the handbook's headings (bench/known_items.py) 0.95 lead
# to their article among the first three both with it and without.
_SEARCH_SHARE = 0.5


def late_interaction(
    question: str, candidates: Sequence[Candidate], token_vectors: TokenVectors
) -> list[Candidate]:
    """Return the candidates ordered by the mean of the search's score and MaxSim.

    MaxSim (Khattab and Zaharia, ColBERT, 2020) takes for each token of the question the best cosine
    to any token of the passage; here the mean over the question's tokens. The token vectors are the
    embedding model's own, so nothing more is loaded. Both are shares of the best candidate's.
    """
    if not candidates:
        return []
    pieces, owners = readings(candidates, token_vectors.embedder)
    (query,) = token_vectors.embedder.encode_tokens([question])
    authors = [candidates[owner].document.author for owner in owners]
    passages = token_vectors.of(pieces, authors)
    best = np.full((len(candidates), len(query)), -1.0, dtype=np.float32)
    for owner, passage in zip(owners, passages, strict=True):
        best[owner] = np.maximum(best[owner], _best_match(query, passage))
    met = best.mean(axis=1) if len(query) else np.zeros(len(candidates), np.float32)
    searched = np.array([candidate.score for candidate in candidates], np.float32)
    scores = _SEARCH_SHARE * _shares(searched) + (1 - _SEARCH_SHARE) * _shares(met)
    scored = [
        replace(candidate, score=score)
        for candidate, score in zip(candidates, scores.tolist(), strict=True)
    ]
    return sorted(scored, key=lambda candidate: -candidate.score)


def _shares(scores: Vectors) -> Vectors:
    best = float(scores.max())
    shares: Vectors = scores / best if best > 0 else scores
    return shares


def _best_match(query: Vectors, passage: Vectors) -> Vectors:
    if not len(passage):
        return np.full(len(query), -1.0, dtype=np.float32)
    best: Vectors = (query @ passage.T).max(axis=1)
    return best
