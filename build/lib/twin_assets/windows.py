"""Chunks to windows: what the embedding model reads at once, with no token left out."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from twin_assets.chunking import spans_of_units
from twin_assets.documents import Chunk, Window
from twin_assets.tokens import pack, tokenize

_TITLE_TOKENS = 48  # of a title; a longer one would push the text out


def window_chunk(chunk: Chunk, tokenizer: Tokenizer, size: int, overlap: int) -> list[Window]:
    """Return windows of at most ``size`` tokens that together hold every token of the chunk.

    The model drops what stands beyond its limit without a word; a 1,500-token chunk would be
    embedded by its first sixth. Windows are cut between words, so that a window's text has exactly
    the tokens that it has inside the chunk. Each is read under the document's title, without which
    a passage from the middle of an article does not say what it is about: of 40 questions about the
    sample and handbook authors the right document came first for 38 with the title, 35 without.

    Args:
        chunk: the chunk; its text is not changed.
        tokenizer: the embedding model's own.
        size: tokens that the model reads at once, special tokens not counted.
        overlap: tokens that neighbours share, about.
    """
    title, spans = window_text(chunk.title, chunk.text, tokenizer, size, overlap)
    return [
        Window.of(chunk.chunk_id, start, end, chunk.text[start:end], tokens, title=title)
        for start, end, tokens in spans
    ]


def window_text(
    title: str, text: str, tokenizer: Tokenizer, size: int, overlap: int
) -> tuple[str, list[tuple[int, int, int]]]:
    """Return the title as far as it is read, and ``(start, end, tokens)`` of each window of text.

    ``tokens`` counts the title too. The arguments are those of :func:`window_chunk`.
    """
    title, title_tokens = shortened_title(title, tokenizer, min(_TITLE_TOKENS, size // 4))
    units = tokenize(tokenizer, text)
    room = size - title_tokens
    ranges = list(pack(units, room, min(overlap, room - 1)))
    spans = spans_of_units(text, units, ranges)
    tokens = [title_tokens + sum(units.tokens[first:last]) for first, last in ranges]
    return title, [(start, end, n) for (start, end), n in zip(spans, tokens, strict=True)]


def shortened_title(title: str, tokenizer: Tokenizer, limit: int) -> tuple[str, int]:
    """Return the title's first words that have at most ``limit`` tokens, and how many they have."""
    units = tokenize(tokenizer, title)
    tokens = words = 0
    for count in units.tokens:
        if tokens + count > limit:
            break
        tokens += count
        words += 1
    whole = words == len(units.tokens)
    kept = title.strip() if whole else title[: units.starts[words]].strip()
    return (kept, tokens) if tokens else ("", 0)


def uncovered_tokens(chunk: Chunk, windows: Sequence[Window], tokenizer: Tokenizer) -> int:
    """Return how many of the chunk's tokens stand in no window; 0 is the rule."""
    units = tokenize(tokenizer, chunk.text)
    spans = [(window.start, window.end) for window in windows]
    return sum(
        tokens
        for start, end, tokens in zip(units.starts, units.ends, units.tokens, strict=True)
        if not any(first <= start and end <= last for first, last in spans)
    )
