"""A question's words, and how each is written."""

import re
import unicodedata
from dataclasses import dataclass

# Scripts that write no spaces, or join endings to names: each of their letters is a word here.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(
    rf"(?<!\w)@\w+(?:[.-]\w+)*|[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*"
)
_POSSESSIVE = re.compile(r"['’][sS]?$")
_OPENS = re.compile(r"[.?!…:;\"“”„«(\[\n]")  # after these a capital says nothing
_JOINS = re.compile(r"[\s\-‐‑]*")
_ABBREVIATED = re.compile(r"\.\s*")
_ABBREVIATION_LETTERS = 4  # "J.", "Dr.", "Prof."
_TITLE_WORDS = 3  # so many longer words, all with capitals, are a title
_LONGER = 4
_NO_LETTERS = re.compile(r"['’_.\-\s]")
# Letters that Unicode does not take apart, as they are typed without.
_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question.

    ``text`` is folded and without a possessive ending; a handle's keeps its ``@``. ``upper`` tells
    whether it begins with a capital, ``opens`` whether a sentence or a quotation begins with it,
    ``title`` whether all longer words of the question have capitals, and ``joined`` whether nothing
    but space stands before it. ``start`` and ``end`` are its offsets in the composed text (NFC),
    and ``between`` is what stands between it and the word before.
    """

    text: str
    upper: bool
    opens: bool
    title: bool
    possessive: bool
    joined: bool
    start: int
    end: int
    between: str

    @property
    def capital(self) -> bool:
        """Whether its capital marks it as a name."""
        return self.upper and not self.opens and not self.title


def words_of(text: str) -> list[Word]:
    """Return the words of a question or a name."""
    text = composed(text)
    matches = list(_WORD.finditer(text))
    longer = [match.group() for match in matches if len(match.group()) >= _LONGER]
    title = len(longer) >= _TITLE_WORDS and all(word[0].isupper() for word in longer)
    words: list[Word] = []
    before, end = "", 0
    for match in matches:
        raw, between = match.group(), text[end : match.start()]
        joined = bool(before) and _is_joined(before, between)
        words.append(
            Word(
                text=fold(_POSSESSIVE.sub("", raw)),
                upper=raw[0].isupper(),
                opens=not joined and (not before or _OPENS.search(between) is not None),
                title=title,
                # an apostrophe without an s is no part of the match
                possessive=(
                    _POSSESSIVE.search(raw) is not None
                    or _POSSESSIVE.match(text[match.end() : match.end() + 1]) is not None
                ),
                joined=joined,
                start=match.start(),
                end=match.end(),
                between=between,
            )
        )
        before, end = raw, match.end()
    return words


def composed(text: str) -> str:
    """Return the text as offsets count it: a letter with its accents is one character."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return the text in small letters, without accents, apostrophes and what joins words."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _NO_LETTERS.sub("", plain.casefold().translate(_PLAIN))


def _is_joined(before: str, between: str) -> bool:
    if _JOINS.fullmatch(between):
        return True
    is_short = len(before) <= _ABBREVIATION_LETTERS and before[0].isupper()
    return is_short and _ABBREVIATED.fullmatch(between) is not None
