"""Which author a question is about, by rules: no model is asked."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from twin_assets.documents import Author
from twin_serving.retrieval import AuthorMatch

# rapidfuzz ratios (0 to 100): one edit in a name of ten letters gives about 95, two give 89.
_FULL_NAME_RATIO = 88.0
_LAST_NAME_RATIO = 86.0
_FUZZY_LETTERS = 5  # one edit in a shorter word makes another word
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")

# How sure a match is, by the name that was found.
_FULL, _LAST, _FIRST = 3, 2, 1


@dataclass(frozen=True, slots=True)
class _Word:
    text: str  # folded, without a possessive ending
    capital: bool
    first: bool  # the question's first word


@dataclass(frozen=True, slots=True)
class _Found:
    author: Author
    strength: int
    matched_by: str


def match_author(
    question: str, authors: Sequence[Author], is_common_word: Callable[[str], bool]
) -> tuple[AuthorMatch | None, str]:
    """Return the one author that the question names, or None, and the reason.

    Full names and aliases are matched with typos and possessives, then last names, then first names
    that a single author has. When several authors fit equally well the question is about none of
    them in particular: the reason says so, and nobody is guessed.

    Args:
        question: as it was asked.
        authors: the closed list of authors that can be meant.
        is_common_word: tells whether a lower-case word is an ordinary one, so that "field notes" is
            not about Ms. Field.
    """
    words = _words(question)
    tried = (_find(author, authors, words, is_common_word) for author in authors)
    found = [one for one in tried if one is not None]
    if not found:
        return None, "no known author is named"
    best = max(one.strength for one in found)
    strongest = [one for one in found if one.strength == best]
    if len(strongest) > 1:
        names = ", ".join(one.author.name for one in strongest)
        return None, f"several authors fit ({names}), so none is filtered"
    only = strongest[0]
    match = AuthorMatch(only.author.slug, only.author.name, only.matched_by)
    return match, f"{only.author.name} is named ({only.matched_by})"


def _find(
    author: Author,
    authors: Sequence[Author],
    words: Sequence[_Word],
    is_common_word: Callable[[str], bool],
) -> _Found | None:
    name = _fold(author.name).split()
    for form, kind in [(name, "full name"), *((_fold(a).split(), "alias") for a in author.aliases)]:
        how = _match_form(form, words, is_common_word)
        if how is not None:
            return _Found(author, _FULL, kind if how == "exact" else f"{kind}, misspelled")
    if len(name) < 2:
        return None
    how = _match_form(name[-1:], words, is_common_word)
    if how is not None:
        return _Found(author, _LAST, "last name" if how == "exact" else "last name, misspelled")
    shared = sum(_fold(other.name).split()[:1] == name[:1] for other in authors) > 1
    # "maras" is how "Mara's" is typed in a hurry
    is_named = any(
        w.text in (name[0], f"{name[0]}s") and (w.capital or not is_common_word(w.text))
        for w in words
    )
    if is_named and not shared and len(name[0]) > 1:
        return _Found(author, _FIRST, "first name")
    return None


def _match_form(
    form: Sequence[str], words: Sequence[_Word], is_common_word: Callable[[str], bool]
) -> str | None:
    """Return how the name stands among the words: ``exact``, ``fuzzy``, or None."""
    if not form:
        return None
    wanted = " ".join(form)
    limit = _FULL_NAME_RATIO if len(form) > 1 else _LAST_NAME_RATIO
    fuzzy = False
    for at in range(len(words) - len(form) + 1):
        run = words[at : at + len(form)]
        text = " ".join(word.text for word in run)
        if len(form) == 1 and not _may_be_name(run[0], is_common_word):
            continue
        if text == wanted:
            return "exact"
        is_long = len(wanted) >= _FUZZY_LETTERS
        fuzzy = fuzzy or (is_long and fuzz.ratio(text, wanted) >= limit)
    return "fuzzy" if fuzzy else None


def _may_be_name(word: _Word, is_common_word: Callable[[str], bool]) -> bool:
    """A capital inside the question marks a name; elsewhere an ordinary word is no name."""
    return (word.capital and not word.first) or not is_common_word(word.text)


def _words(question: str) -> list[_Word]:
    words: list[_Word] = []
    for match in _WORD.finditer(question):
        raw = match.group()
        words.append(_Word(_fold(_without_possessive(raw)), raw[0].isupper(), not words))
    return words


def _without_possessive(word: str) -> str:
    return re.sub(r"['’](?:s|S)?$", "", word)


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())
