"""Which author a question is about, by rules: no model is asked."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from twin_assets.documents import Author
from twin_serving.retrieval import AuthorMatch
from twin_serving.retrieval.name_context import (
    are_joined,
    is_marked_as_name,
    is_ordinary,
    is_part_of_longer_name,
    is_place_or_time,
    refers_to_person,
)
from twin_serving.retrieval.question_words import Word, composed, words_of

# Edits (a letter more, fewer, another, or two swapped) that leave a name recognizable, by letters
# of the word. In a word that stands alone two make another word sooner. A shorter word keeps its
# first letter, which is seldom mistyped: Sara is not Mara.
_ONE_EDIT_FROM = 4
_TWO_EDITS_FROM = 6
_TWO_EDITS_ALONE_FROM = 9
_MOST_EDITS = 2  # of a name
_FUZZY_LETTERS = 5  # of a name; Ek is not Eka

IsCommonWord = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SelfQuery:
    """Whom a question is about.

    ``match`` is the one author that it names. ``named`` are all that it may name; with more than
    one of them there is no match, and ``ambiguous`` tells whether that is since a single name fits
    several. ``reason`` says how all this came about.
    """

    match: AuthorMatch | None
    named: tuple[AuthorMatch, ...]
    reason: str
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write an author's name: its folded words.

    ``name`` are the words without an ending, and ``own`` all of the author's.
    """

    author: Author
    kind: str
    words: tuple[str, ...]
    name: tuple[str, ...]
    own: frozenset[str]

    @property
    def is_whole(self) -> bool:
        return self.kind in ("full name", "alias")

    @property
    def may_be_misspelled(self) -> bool:
        """Short forms, first names and handles are other ones with a letter changed."""
        if self.kind == "first name" or (self.kind == "alias" and len(self.words) == 1):
            return False
        return len("".join(self.words)) >= _FUZZY_LETTERS


@dataclass(frozen=True, slots=True)
class _Found:
    """A form that stands at ``words[start:end]`` of the question, but for so many edits."""

    form: _Form
    start: int
    end: int
    edits: int = 0

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end

    @property
    def sureness(self) -> tuple[int, int, bool]:
        """More words are surer, then fewer edits, then a name in whole."""
        return self.end - self.start, -self.edits, self.form.is_whole

    @property
    def match(self) -> AuthorMatch:
        how = self.form.kind + ", misspelled" * bool(self.edits)
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
            if form.may_be_misspelled and form.words == form.name:
                self._fuzzy[len(form.words)].append(form)
        self._texts = {
            size: [" ".join(form.words) for form in some] for size, some in self._fuzzy.items()
        }
        self._longest = max((len(form.words) for form in forms), default=0)

    def match(self, question: str, is_common_word: IsCommonWord) -> SelfQuery:
        """Return whom the question names.

        Full names, aliases and last names are matched with typos and possessives, first names as
        they are. Of names that share words of the question, the surest counts. When several authors
        are left, the question is about none of them alone: the reason says so, and nobody is
        guessed.

        Args:
            question: as it was asked.
            is_common_word: tells whether a lower-case word is an ordinary one, so that "field
                notes" is not about Ms. Field.
        """
        spans = self._spans(words_of(question), is_common_word)
        return _decided(_matches(spans), any(len(some) > 1 for some in spans))

    def without(self, question: str, slug: str, is_common_word: IsCommonWord) -> str:
        """Return the question without the words that name this author.

        Args:
            question: as it was asked.
            slug: the author's.
            is_common_word: as :meth:`match` takes it.
        """
        words = words_of(question)
        rest, end = "", 0
        text = composed(question)
        for some in self._spans(words, is_common_word):
            if any(one.form.author.slug == slug for one in some):
                rest += text[end : words[some[0].start].start]
                end = words[some[0].end - 1].end
        return rest + text[end:]

    def _spans(self, words: Sequence[Word], is_common_word: IsCommonWord) -> list[list[_Found]]:
        found = (*self._find_exact(words), *self._find_misspelled(words))
        return _resolved(_surest(_names(found, words, is_common_word)))

    def _find_exact(self, words: Sequence[Word]) -> Iterator[_Found]:
        texts = tuple(word.text for word in words)
        for start in range(len(words)):
            for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                for form in self._exact.get(texts[start:end], ()):
                    yield _Found(form, start, end)

    def _find_misspelled(self, words: Sequence[Word]) -> Iterator[_Found]:
        for size, forms in self._fuzzy.items():
            runs = [
                tuple(word.text for word in words[at : at + size])
                for at in range(len(words) - size + 1)
            ]
            if not runs:
                continue
            distances = process.cdist(
                [" ".join(run) for run in runs],
                self._texts[size],
                scorer=OSA.distance,
                score_cutoff=_MOST_EDITS,
                dtype=np.uint8,
            )
            for start, place in np.argwhere(distances <= _MOST_EDITS).tolist():
                edits = _edits(runs[start], forms[place].words)
                if edits:
                    yield _Found(forms[place], start, start + size, edits)


def may_name_somebody(question: str, is_common_word: IsCommonWord) -> bool:
    """Tell whether a word could be a name, or stand for a person."""
    return any(
        word.capital or refers_to_person(word) or not is_common_word(word.text)
        for word in words_of(question)
    )


def _forms(author: Author) -> Iterator[_Form]:
    parts = [_texts(part) for part in author.name.split()]
    whole = tuple(text for part in parts for text in part)
    own = frozenset((*whole, *(text for alias in author.aliases for text in _texts(alias))))

    def form(kind: str, words: tuple[str, ...], ending: str = "") -> _Form:
        return _Form(author, kind, (*words[:-1], words[-1] + ending), words, own)

    if whole:
        yield form("full name", whole)
        yield form("alias", ("@" + "".join(whole),))
    for alias in author.aliases:
        words = _texts(alias.lstrip("@"))
        if words:
            yield form("alias", words)
            yield form("alias", _texts("@" + "".join(alias.lstrip("@").split())))
    if len(parts) < 2 or not (parts[0] and parts[-1]):
        return
    singles = [("last name", parts[-1])]
    if len("".join(parts[0])) > 1:  # more than an initial
        singles.append(("first name", parts[0]))
    for kind, words in singles:
        yield form(kind, words)
        # "maras" is how "Mara's" is typed in a hurry
        yield form(kind, words, ending="s")
    family = _family(author.name.split())
    if family > 1:
        yield form("last name", tuple(text for part in parts[-family:] for text in part))
        yield form("full name", (*parts[0], *parts[-1]))


def _family(parts: Sequence[str]) -> int:
    """Return how many of the name's last parts are the family's: three in "Jan van der Berg"."""
    particles = [place for place, part in enumerate(parts[1:-1], 1) if part.islower()]
    return len(parts) - particles[0] if particles else 1


def _texts(name: str) -> tuple[str, ...]:
    return tuple(word.text for word in words_of(name))


def _edits(asked: Sequence[str], name: Sequence[str]) -> int | None:
    """Return the number of edits between the names, or None for other names."""
    total = 0
    two_from = _TWO_EDITS_FROM if len(name) > 1 else _TWO_EDITS_ALONE_FROM
    for one, other in zip(asked, name, strict=True):
        edits = OSA.distance(one, other)
        letters = len(other)
        if edits > (letters >= _ONE_EDIT_FROM) + (letters >= two_from):
            return None
        if edits and letters < _TWO_EDITS_ALONE_FROM and one[:1] != other[:1]:
            return None
        total += edits
    return total if total <= _MOST_EDITS else None


def _names(
    found: Sequence[_Found], words: Sequence[Word], is_common_word: IsCommonWord
) -> list[_Found]:
    """Return the finds that are names here: by themselves, or since they are joined to such."""
    names: list[_Found] = []
    left = list(found)
    while more := [one for one in left if _is_name(one, words, is_common_word, names)]:
        names += more
        left = [one for one in left if one not in more]
    # the Hopper in "the Grace Hopper chip" is no more a person than the whole
    others = [one for one in left if one.form.is_whole and not one.edits]
    return [one for one in names if not any(_is_within(one, other) for other in others)]


def _is_within(one: _Found, other: _Found) -> bool:
    return other.start <= one.start and one.end <= other.end and one.span != other.span


def _is_name(
    found: _Found,
    words: Sequence[Word],
    is_common_word: IsCommonWord,
    names: Sequence[_Found],
) -> bool:
    """Tell whether the words are this author's name here, not ordinary words or another's.

    ``names`` are those that are known to be names: an ordinary word that is joined to one is too.
    """
    start, end, form = found.start, found.end, found.form
    if words[start].text.startswith("@"):
        return True
    asked = [word.text for word in words[start:end]]
    last = words[end - 1]
    marked = is_marked_as_name(words, start, end) or any(
        are_joined(words, found.span, other.span) for other in names
    )
    if any(
        word.text != text and is_common_word(word.text) and (word is last or not word.capital)
        for word, text in zip(words[start:end], form.words, strict=True)
    ):  # another word is no misspelled name: "the price" is not Thea Price, nor Ann Prince she
        return False
    if len(asked) == 1:
        if not marked and (is_common_word(asked[0]) or is_common_word(form.name[0])):
            return False
        if is_place_or_time(words, start):
            return False
    elif not marked and is_ordinary(words, start, end) and all(map(is_common_word, asked)):
        return False
    return form.is_whole or not is_part_of_longer_name(words, start, end, form.own)


def _surest(found: Sequence[_Found]) -> list[list[_Found]]:
    """Return the finds by span, when the surest ones have taken the words that others share."""
    kept: dict[tuple[int, int], list[_Found]] = {}
    for one in sorted(found, key=lambda one: one.sureness, reverse=True):
        same = kept.get(one.span)
        if same:
            if same[0].sureness == one.sureness:
                same.append(one)
        elif all(one.end <= start or end <= one.start for start, end in kept):
            kept[one.span] = [one]
    return [kept[span] for span in sorted(kept)]


def _resolved(spans: Sequence[Sequence[_Found]]) -> list[list[_Found]]:
    """Return the spans, those that fit several authors cut to the one named clearly elsewhere."""
    by_author = [list({one.form.author.slug: one for one in some}.values()) for some in spans]
    clear = {some[0].form.author.slug for some in by_author if len(some) == 1}
    resolved = []
    for some in by_author:
        known = [one for one in some if one.form.author.slug in clear]
        resolved.append(known if len(known) == 1 else some)
    return resolved


def _matches(spans: Sequence[Sequence[_Found]]) -> tuple[AuthorMatch, ...]:
    """Return the authors as the question names them first, each by the surest of its finds."""
    best: dict[str, _Found] = {}
    for one in (one for some in spans for one in some):
        slug = one.form.author.slug
        if slug not in best or one.sureness > best[slug].sureness:
            best[slug] = one
    return tuple(one.match for one in best.values())


def _decided(named: tuple[AuthorMatch, ...], ambiguous: bool) -> SelfQuery:
    if not named:
        return SelfQuery(None, (), "no known author is named")
    if len(named) == 1:
        (only,) = named
        return SelfQuery(only, named, f"{only.name} is named ({only.matched_by})")
    names = ", ".join(match.name for match in named)
    why = "a name fits several authors" if ambiguous else "several authors are named"
    return SelfQuery(None, named, f"{why} ({names}), so none is filtered", ambiguous)
