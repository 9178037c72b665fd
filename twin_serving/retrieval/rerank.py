"""Late interaction: candidates ordered by how well each word of the question is met in them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import with_title
from twin_assets.embedding import Embedder
from twin_assets.model_folder import load_tokenizer
from twin_assets.windows import window_text
from twin_serving.retrieval import Candidate

# The mean of both orders better than either alone: the vector knows the passage's subject, the
# tokens know its words.
_SIMILARITY_WEIGHT = 0.5


def late_interaction(
    question: str, candidates: Sequence[Candidate], embedder: Embedder
) -> list[Candidate]:
    """Return the candidates ordered by the mean of cosine and MaxSim.

    MaxSim (Khattab and Zaharia, ColBERT, 2020) takes for each token of the question the best cosine
    to any token of the passage; here the mean over the question's tokens. The token vectors are the
    embedding model's own, so nothing more is loaded.
    """
    if not candidates:
        return []
    pieces: list[str] = []
    owners: list[int] = []
    for owner, candidate in enumerate(candidates):
        for piece in _readings(candidate, embedder):
            pieces.append(piece)
            owners.append(owner)
    query, *passages = embedder.encode_tokens([question, *pieces])
    best = np.full((len(candidates), len(query)), -1.0, dtype=np.float32)
    for owner, passage in zip(owners, passages, strict=True):
        best[owner] = np.maximum(best[owner], _best_match(query, passage))
    met = best.mean(axis=1) if len(query) else np.zeros(len(candidates))
    scored = [
        replace(
            candidate,
            score=_SIMILARITY_WEIGHT * candidate.similarity
            + (1 - _SIMILARITY_WEIGHT) * float(value),
        )
        for candidate, value in zip(candidates, met, strict=True)
    ]
    return sorted(scored, key=lambda candidate: -candidate.score)


def _best_match(query: Vectors, passage: Vectors) -> Vectors:
    if not len(passage):
        return np.full(len(query), -1.0, dtype=np.float32)
    best: Vectors = (query @ passage.T).max(axis=1)
    return best


def _readings(candidate: Candidate, embedder: Embedder) -> list[str]:
    """Return what the model reads of the candidate, in pieces that it reads whole."""
    tokenizer = load_tokenizer(embedder.folder.path)
    title, spans = window_text(
        candidate.document.title, candidate.text, tokenizer, embedder.max_tokens, 0
    )
    return [with_title(title, candidate.text[start:end]) for start, end, _ in spans]
