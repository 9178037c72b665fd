"""What a model reads of a candidate: pieces that it reads whole, each under the title."""

from collections.abc import Sequence

from twin_assets.documents import with_title
from twin_assets.embedding import Embedder
from twin_assets.model_folder import load_tokenizer
from twin_assets.windows import window_text
from twin_serving.retrieval import Candidate


def readings(candidates: Sequence[Candidate], embedder: Embedder) -> tuple[list[str], list[int]]:
    """Return the pieces of all candidates, and for each the place of the candidate it is of."""
    tokenizer = load_tokenizer(embedder.folder.path)
    pieces: list[str] = []
    owners: list[int] = []
    for owner, candidate in enumerate(candidates):
        title, spans = window_text(
            candidate.document.title, candidate.text, tokenizer, embedder.max_tokens, 0
        )
        pieces += [with_title(title, candidate.text[start:end]) for start, end, _ in spans]
        owners += [owner] * len(spans)
    return pieces, owners
