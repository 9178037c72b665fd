"""The sentences of a passage that can stand alone, with their places in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from twin_serving.retrieval import Passage

_SHORTEST, _LONGEST = 30, 500  # characters of a sentence that can stand alone
_ENDS = re.compile(
    r"(?<=[.!?…。！？])[\"'”’)\]*_]*\s+|\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)]|#{1,6}|>|\|)\s)"
    r"|\n(?=\s*(?:\"{3}|'{3}|`{3}|~{3}))"  # a docstring, a code block
)
_MARKUP_LINE = re.compile(r"^(?:#{1,6}\s|\||```|~~~|!\[|-{3,}|\*{3,}|={3,})")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_FEWEST_WORDS = 4
_CODE = re.compile(r"[=(){}\[\]<>\\|;$#@&*+/_]")
_MOST_CODE = 0.2  # of the pieces between spaces; prose that speaks of code has fewer than code
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_EMPHASIS = re.compile(r"\*+(?=\S)|(?<=\S)\*+|(?<![\w`])_+(?=\S)|(?<=\S)_+(?![\w`])|`+")
_PUNCTUATION = " \"'“”‘’()[]{}<>,.:;!?…*_`"
_LEADING_MARK = re.compile(r"^\s*(?:(?:[-*+•]|\d+[.)]|>|#+)\s+|\"{3}\s*|'{3}\s*)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage; ``start`` and ``end`` are offsets into the passage's text."""

    passage: Passage
    start: int
    end: int
    text: str


def sentences_of(passage: Passage) -> Iterator[Sentence]:
    """Yield the sentences of the passage that can stand alone; headings, tables, code cannot."""
    text = passage.candidate.text
    start = 0
    for end, after in [*((m.start(), m.end()) for m in _ENDS.finditer(text)), (len(text),) * 2]:
        raw = text[start:end]
        mark = _LEADING_MARK.match(raw)
        lead = mark.end() if mark else len(raw) - len(raw.lstrip())
        begin = start + lead
        sentence = " ".join(text[begin:end].split())
        fits = _SHORTEST <= len(sentence) <= _LONGEST and not _MARKUP_LINE.match(sentence)
        if fits and is_prose(sentence):
            yield Sentence(passage, begin, begin + len(text[begin:end].rstrip()), sentence)
        start = after


def is_prose(sentence: str) -> bool:
    """Tell whether the sentence stands by itself: some words, few pieces that look like code."""
    pieces = [p for piece in sentence.split() if (p := piece.strip(_PUNCTUATION))]
    words = sum(_WORD.fullmatch(piece) is not None for piece in pieces)
    code = sum(_CODE.search(piece) is not None for piece in pieces)
    announces = sentence.rstrip("*_ ").endswith((":", "↓"))  # what follows is left behind
    return words >= _FEWEST_WORDS and code <= _MOST_CODE * len(pieces) and not announces


def without_markup(text: str) -> str:
    """Return the text as it reads: link texts without their targets, no emphasis marks."""
    return _EMPHASIS.sub("", _LINK.sub(r"\1", text))


def opening(passage: Passage) -> Sentence:
    """Return the passage's beginning, for one that has no sentence: code, a table."""
    text = passage.candidate.text[:_LONGEST]
    return Sentence(passage, 0, len(text), " ".join(text.split()))
