"""Chunks to windows: what the embedding model reads at once, with no token left out."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from twin_assets.chunking import spans_of_units
from twin_assets.documents import Chunk, Window
from twin_assets.tokens import pack, tokenize


def window_chunk(chunk: Chunk, tokenizer: Tokenizer, size: int, overlap: int) -> list[Window]:
    """Return windows of at most ``size`` tokens that together hold every token of the chunk.

    The model drops what stands beyond its limit without a word; a 1,500-token chunk would be
    embedded by its first sixth. Windows are cut between words, so that a window's text has exactly
    the tokens that it has inside the chunk.

    Args:
        chunk: the chunk; its text is not changed.
        tokenizer: the embedding model's own.
        size: tokens that the model reads at once, special tokens not counted.
        overlap: tokens that neighbours share, about.
    """
    units = tokenize(tokenizer, chunk.text)
    ranges = list(pack(units, size, min(overlap, size - 1)))
    spans = spans_of_units(chunk.text, units, ranges)
    return [
        Window.of(chunk.chunk_id, start, end, chunk.text[start:end], sum(units.tokens[first:last]))
        for (first, last), (start, end) in zip(ranges, spans, strict=True)
    ]


def uncovered_tokens(chunk: Chunk, windows: Sequence[Window], tokenizer: Tokenizer) -> int:
    """Return how many of the chunk's tokens stand in no window; 0 is the rule."""
    units = tokenize(tokenizer, chunk.text)
    spans = [(window.start, window.end) for window in windows]
    return sum(
        tokens
        for start, end, tokens in zip(units.starts, units.ends, units.tokens, strict=True)
        if not any(first <= start and end <= last for first, last in spans)
    )
