"""Which author a question is about, by rules: no model is asked."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from twin_assets.documents import Author
from twin_serving.retrieval import AuthorMatch

# rapidfuzz ratios (0 to 100): one edit in a name of ten letters gives about 95, two give 89.
_FULL_NAME_RATIO = 88.0
_LAST_NAME_RATIO = 86.0
_FUZZY_LETTERS = 5  # one edit in a shorter word makes another word
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")

# How sure a match is, by what was found; a misspelled one is half a step less sure.
_STRENGTH = {"full name": 3.0, "alias": 3.0, "last name": 2.0, "first name": 1.0}
_MISSPELLED = 0.5

# First names, and after these words the time of the year or week.
_DATES = {"april", "august", "may", "june", "sunday", "friday", "summer", "winter", "autumn"}
_BEFORE_DATES = {
    *("in", "on", "by", "since", "until", "till", "from", "of", "to", "during", "before", "after"),
    *("last", "next", "this", "every", "each", "early", "late", "for"),
}

IsCommonWord = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SelfQuery:
    """Whom a question is about.

    ``match`` is the one author that it names; ``named`` are all that it may name, and with more
    than one of them there is no match. ``reason`` says how that came about.
    """

    match: AuthorMatch | None
    named: tuple[AuthorMatch, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Word:
    text: str  # folded, without a possessive ending
    capital: bool
    first: bool  # the question's first word


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write an author's name: its folded words."""

    author: Author
    kind: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class _Found:
    """A form that stands at ``words[start:end]`` of the question."""

    form: _Form
    start: int
    end: int
    misspelled: bool

    @property
    def strength(self) -> float:
        return _STRENGTH[self.form.kind] - _MISSPELLED * self.misspelled

    @property
    def match(self) -> AuthorMatch:
        how = self.form.kind + ", misspelled" * self.misspelled
        return AuthorMatch(self.form.author.slug, self.form.author.name, how)


class AuthorNames:
    """The closed list of authors that can be meant, prepared for many questions."""

    def __init__(self, authors: Sequence[Author]) -> None:
        """List every form of every name."""
        forms = [form for author in authors for form in _forms(author)]
        self._exact: dict[tuple[str, ...], list[_Form]] = defaultdict(list)
        self._fuzzy: dict[int, list[_Form]] = defaultdict(list)
        for form in forms:
            self._exact[form.words].append(form)
            if form.kind != "first name" and len(form.text) >= _FUZZY_LETTERS:
                self._fuzzy[len(form.words)].append(form)
        self._texts = {size: [form.text for form in some] for size, some in self._fuzzy.items()}
        self._longest = max((len(form.words) for form in forms), default=0)

    def match(self, question: str, is_common_word: IsCommonWord) -> SelfQuery:
        """Return whom the question names.

        Full names and aliases are matched with typos and possessives, then last names, then first
        names. Of names that share a word of the question, the surest counts. When several authors
        are left, the question is about none of them alone: the reason says so, and nobody is
        guessed.

        Args:
            question: as it was asked.
            is_common_word: tells whether a lower-case word is an ordinary one, so that "field
                notes" is not about Ms. Field.
        """
        words = _words(question)
        found = [
            one
            for one in (*self._find_exact(words), *self._find_misspelled(words))
            if _is_name(one, words, is_common_word)
        ]
        named = {one.form.author.slug: one.match for one in reversed(_surest(found))}
        matches = tuple(reversed(named.values()))
        if not matches:
            return SelfQuery(None, (), "no known author is named")
        if len(matches) > 1:
            names = ", ".join(match.name for match in matches)
            return SelfQuery(None, matches, f"several authors fit ({names}), so none is filtered")
        (only,) = matches
        return SelfQuery(only, matches, f"{only.name} is named ({only.matched_by})")

    def _find_exact(self, words: Sequence[_Word]) -> Iterator[_Found]:
        for start, end in _runs(len(words), self._longest):
            for form in self._exact.get(tuple(word.text for word in words[start:end]), ()):
                yield _Found(form, start, end, misspelled=False)

    def _find_misspelled(self, words: Sequence[_Word]) -> Iterator[_Found]:
        for size, forms in self._fuzzy.items():
            runs = [" ".join(w.text for w in words[at : at + size]) for at in range(len(words))]
            runs = runs[: len(words) - size + 1]
            limit = _FULL_NAME_RATIO if size > 1 else _LAST_NAME_RATIO
            if runs:
                ratios = process.cdist(
                    runs, self._texts[size], scorer=fuzz.ratio, score_cutoff=limit
                )
                for start, place in np.argwhere(ratios).tolist():
                    if runs[start] != forms[place].text:
                        yield _Found(forms[place], start, start + size, misspelled=True)


def may_name_somebody(question: str, is_common_word: IsCommonWord) -> bool:
    """Tell whether a word could be a name: a capital inside the question, or no common word."""
    return any(
        (word.capital and not word.first) or not is_common_word(word.text)
        for word in _words(question)
    )


def _forms(author: Author) -> Iterator[_Form]:
    names = {"full name": [author.name], "alias": author.aliases}
    for kind, some in names.items():
        for name in some:
            words = tuple(word.text for word in _words(name))
            if words:
                yield _Form(author, kind, words)
    words = tuple(word.text for word in _words(author.name))
    if len(words) > 1:
        yield _Form(author, "last name", words[-1:])
        if len(words[0]) > 1:
            yield _Form(author, "first name", words[:1])
            # "maras" is how "Mara's" is typed in a hurry
            yield _Form(author, "first name", (f"{words[0]}s",))


def _runs(length: int, longest: int) -> Iterator[tuple[int, int]]:
    for start in range(length):
        for end in range(start + 1, min(start + longest, length) + 1):
            yield start, end


def _surest(found: Sequence[_Found]) -> list[_Found]:
    """Return what is left when a surer match takes the words that it shares with another."""
    kept: list[_Found] = []
    for one in sorted(found, key=lambda one: (-one.strength, one.start)):
        if all(
            one.end <= other.start or other.end <= one.start or one.strength == other.strength
            for other in kept
        ):
            kept.append(one)
    return kept


def _is_name(found: _Found, words: Sequence[_Word], is_common_word: IsCommonWord) -> bool:
    """Tell whether the words are this author's name here, not ordinary words or another's."""
    if found.end - found.start > 1:
        return True
    word = words[found.start]
    if not ((word.capital and not word.first) or not is_common_word(word.text)):
        return False
    return found.form.kind != "first name" or not (
        _is_date(found, words) or _is_part_of_another_name(found, words)
    )


def _is_date(found: _Found, words: Sequence[_Word]) -> bool:
    before = words[found.start - 1].text if found.start else ""
    return words[found.start].text in _DATES and before in _BEFORE_DATES


def _is_part_of_another_name(found: _Found, words: Sequence[_Word]) -> bool:
    """A first name before another capital is someone else's: the Ada in "Ada Lovelace"."""
    if all(word.capital for word in words if len(word.text) > 3):  # a title
        return False
    return any(word.capital for word in words[found.end : found.end + 1])


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
