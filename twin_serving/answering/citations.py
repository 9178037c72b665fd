"""Citations in a model's answer: those that name a passage stay, the others are dropped."""

import re
from collections.abc import Iterator, Mapping

from twin_assets.words import question_words
from twin_serving.answering import Piece, Support
from twin_serving.answering.sentences import sentences_of
from twin_serving.retrieval import Passage

_ONE = r"(?:\d{1,3}|[1-9]\d{0,2}\s*[-–]\s*[1-9]\d{0,2})"  # [0-9] is no citation
_MARKER = re.compile(rf"\s?\[\s*({_ONE}(?:\s*[,;]\s*{_ONE})*)\s*\]")
_MAY_BECOME_ONE = re.compile(r"\s?\[[\d\s,;–-]{0,40}$|\s$|`+$")
_RANGE = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")
_CODE = re.compile(r"`+|\n")
_FENCE = "```"
_SENTENCE_ENDS = re.compile(r"[.!?…。！？]\s|\n")
_CITED_WORDS = 400  # characters before a marker that it can speak for


class CitationFilter:
    """Passes an answer on as it comes, held back only where a marker may have begun.

    ``[1]``, ``[1, 2]`` and ``[1-3]`` become pieces that rest on the passages; a number without a
    passage is left out and kept in ``dropped``. In code, brackets are code; code within a line ends
    with the line at the latest.
    """

    def __init__(self, passages: Mapping[int, Passage]) -> None:
        """Know the passages by the numbers that they may be cited by."""
        self._passages = passages
        self._held = ""
        self._said = ""  # since the last sentence began
        self._code = ""  # the backticks that it began with
        self.dropped: list[int] = []

    def feed(self, text: str) -> Iterator[Piece]:
        """Yield what is certain with this much more of the answer."""
        self._held += text
        at = 0
        for marker in _MARKER.finditer(self._held):
            yield from self._plain(self._held[at : marker.start()])
            at = marker.end()
            if self._code:
                yield from self._plain(marker[0])
            else:
                yield from self._cited(_numbers(marker[1]))
        begun = _MAY_BECOME_ONE.search(self._held, at)
        end = begun.start() if begun else len(self._held)
        yield from self._plain(self._held[at:end])
        self._held = self._held[end:]

    def end(self) -> Iterator[Piece]:
        """Yield what was held back."""
        yield from self._plain(self._held.rstrip())
        self._held = ""

    def _plain(self, text: str) -> Iterator[Piece]:
        if text:
            for sign in _CODE.findall(text):
                if sign == "\n":
                    self._code = self._code if self._code.startswith(_FENCE) else ""
                elif not self._code:
                    self._code = sign
                elif len(sign) >= len(self._code):
                    self._code = ""
            self._said = (self._said + text)[-_CITED_WORDS:]
            yield Piece(text)

    def _cited(self, numbers: list[int]) -> Iterator[Piece]:
        known = [number for number in dict.fromkeys(numbers) if number in self._passages]
        self.dropped += [number for number in numbers if number not in self._passages]
        said = _SENTENCE_ENDS.split(self._said.rstrip(" .!?…。！？\n"))[-1]
        for number in known:
            yield Piece(f" [{number}]", (supporting(said, self._passages[number]),))


def _numbers(marker: str) -> list[int]:
    numbers: list[int] = []
    for first, last in _RANGE.findall(marker):
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def supporting(statement: str, passage: Passage) -> Support:
    """Return the sentence of the passage that shares most words with the statement.

    A statement that shares fewer than two words with every sentence is supported by the passage as
    a whole: the span is empty then.
    """
    offset = passage.candidate.start
    said = set(question_words(statement))
    best, start, end = 1, 0, 0
    for sentence in sentences_of(passage):
        shared = len(said & set(question_words(sentence.text)))
        if shared > best:
            best, start, end = shared, sentence.start, sentence.end
    return Support(passage.n, offset + start, offset + end)
