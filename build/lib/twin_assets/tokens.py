"""Texts as the embedding model's own tokens, with their places in the text."""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class Units:
    """A text's words as the tokenizer sees them: the smallest pieces that are never cut.

    Tokenizing a run of whole words gives the same tokens as tokenizing the text around it does, so
    counts add up exactly. ``starts`` and ``ends`` are character offsets, ``tokens`` counts.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    tokens: tuple[int, ...]

    @property
    def total(self) -> int:
        """The number of tokens in the whole text."""
        return sum(self.tokens)

    def count(self, start: int, end: int) -> int:
        """Return the number of tokens whose word starts in ``text[start:end]``."""
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        return sum(self.tokens[first:last])


def tokenize(tokenizer: Tokenizer, text: str) -> Units:
    """Return the text's words with their token counts; special tokens are left out."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    starts: list[int] = []
    ends: list[int] = []
    tokens: list[int] = []
    previous: int | None = None
    for (start, end), word in zip(encoding.offsets, encoding.word_ids, strict=True):
        if word is not None and word == previous:
            ends[-1] = max(ends[-1], end)
            tokens[-1] += 1
        else:
            starts.append(_first_mark(text, start, ends[-1] if ends else 0))
            ends.append(end)
            tokens.append(1)
        previous = word
    return Units(tuple(starts), tuple(ends), tuple(tokens))


def _first_mark(text: str, start: int, floor: int) -> int:
    """Return where the marks begin that the word at ``start`` begins with, if it does.

    Unicode normalization reorders marks that follow each other, so that the tokenizer may give the
    place of a later one.
    """
    if unicodedata.combining(text[start]):
        while start > floor and not text[start - 1].isspace():
            start -= 1
    return start


def pack(units: Units, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield ``(first, last)`` ranges of units, half open, that hold at most ``size`` tokens each.

    The ranges cover every unit, neighbours share about ``overlap`` tokens, and they are of even
    length, so that no short remainder stands alone at the end. A single unit with more tokens than
    ``size`` gets a range of its own; a WordPiece word never has that many.

    Raises:
        ValueError: ``overlap`` is not smaller than ``size``.
    """
    if overlap >= size:
        raise ValueError("the overlap must be smaller than the size")
    total = units.total
    if total == 0:
        return
    number = max(1, ceil((total - overlap) / (size - overlap)))
    even = min(size, ceil((total + (number - 1) * overlap) / number))
    first, count = 0, len(units.tokens)
    while True:
        last, held = first, 0
        while last < count and (last == first or held + units.tokens[last] <= even):
            held += units.tokens[last]
            last += 1
        yield first, last
        if last == count:
            return
        room = min(overlap, even - units.tokens[last])  # the next range reaches beyond this one
        back, shared = last, 0
        while back - 1 > first and shared + units.tokens[back - 1] <= room:
            back -= 1
            shared += units.tokens[back]
        first = back
