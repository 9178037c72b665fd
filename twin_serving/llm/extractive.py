"""No model server: the answer is the passages' own sentences nearest the question, each cited."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twin_assets.embedding import Embedder
from twin_serving.llm import Piece, Support
from twin_serving.retrieval import Passage

_SENTENCES = 4  # in an answer; more reads like a search result page
_A_PASSAGE = 2  # sentences from one passage, so that the others are heard too
_SHORTEST, _LONGEST = 30, 500  # characters of a sentence that can stand alone
# A sentence that is further from the question than this below the best adds noise.
_BEHIND_BEST = 0.25
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
class _Sentence:
    passage: Passage
    start: int  # in the passage's text
    end: int
    text: str


class ExtractiveAnswerer:
    """An :class:`~twin_serving.llm.Answerer` that quotes and writes nothing of its own."""

    name = "extractive"

    def __init__(self, embedder: Embedder) -> None:
        """Compare sentences with the question by the embedder's vectors."""
        self._embedder = embedder

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[Piece]:
        """See :meth:`Answerer.stream`; a piece is a sentence with its citation."""
        sentences = [s for passage in passages for s in sentences_of(passage)]
        if not sentences:
            sentences = [_opening(passage) for passage in passages[:1]]
        first = True
        for sentence in self._nearest(question, sentences):
            offset = sentence.passage.candidate.start
            support = Support(sentence.passage.n, offset + sentence.start, offset + sentence.end)
            gap = "" if first else " "
            yield Piece(f"{gap}{without_markup(sentence.text)} [{sentence.passage.n}]", (support,))
            first = False

    def _nearest(self, question: str, sentences: Sequence[_Sentence]) -> list[_Sentence]:
        """Return the chosen sentences in reading order: by passage, then by place."""
        query, *vectors = self._embedder.encode([question, *(s.text for s in sentences)])
        scores = [float(query @ vector) for vector in vectors]
        ranked = sorted(range(len(sentences)), key=lambda index: -scores[index])
        # The first passage is the likeliest to answer, so its best sentence is always heard.
        leading = next(i for i in ranked if sentences[i].passage is sentences[0].passage)
        chosen = [sentences[leading]]
        for index in ranked:
            sentence = sentences[index]
            if len(chosen) == _SENTENCES or scores[index] < scores[ranked[0]] - _BEHIND_BEST:
                break
            from_passage = sum(s.passage.n == sentence.passage.n for s in chosen)
            repeated = any(_says_the_same(sentence.text, s.text) for s in chosen)
            if from_passage < _A_PASSAGE and not repeated:
                chosen.append(sentence)
        return sorted(chosen, key=lambda s: (s.passage.n, s.start))


def _says_the_same(one: str, other: str) -> bool:
    """Tell whether one sentence holds the other's words, as in two copies of an article."""
    letters = ["".join(c for c in text.casefold() if c.isalnum()) for text in (one, other)]
    return letters[0] in letters[1] or letters[1] in letters[0]


def sentences_of(passage: Passage) -> Iterator[_Sentence]:
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
            yield _Sentence(passage, begin, begin + len(text[begin:end].rstrip()), sentence)
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


def _opening(passage: Passage) -> _Sentence:
    """Return the passage's beginning, for one that has no sentence: code, a table."""
    text = passage.candidate.text[:_LONGEST]
    return _Sentence(passage, 0, len(text), " ".join(text.split()))
