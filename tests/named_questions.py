"""Questions that name invented authors in many ways, each with the author that is meant.

Everything is drawn from a seed: the names, which of them share a first or last name, and the
questions. What a question means is known from how it was made.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from twin_assets.documents import Author, slugify

_SYLLABLES = (
    *("ba", "bel", "cor", "dan", "del", "do", "fen", "gar", "hal", "il", "ka", "kes", "lo"),
    *("lin", "mar", "mi", "nor", "ol", "pe", "qui", "ren", "ro", "sal", "ta", "tor", "ul", "va"),
    *("vi", "wen", "yor", "za", "zel"),
)
_ENDINGS = (
    "berg",
    "dottir",
    "ez",
    "feld",
    "ic",
    "ini",
    "kova",
    "ley",
    "mann",
    "ov",
    "quist",
    "wick",
)
_PARTICLES = ("van der", "de la", "von", "al")
_WORDLIKE = (
    *("Mia Field", "Rose Carter", "Will Stone", "Mark Rivers", "Grace Baker", "Hope Winter"),
    *("Jack Frost", "Summer Woods", "Art Price", "June Banks"),
)
_SCRIPTS = ("Ольга Синицына", "陈伟明", "Νίκος Παππάς", "José Ñúñez-Ibárruri", "Søren Ærø")

_ABOUT = (
    "rye bread",
    "testing a parser",
    "cold water",
    "vector search",
    "writing less",
    "sourdough in winter",
    "batteries",
    "the price of rent",
)
_ASKING = (
    "What does {name} say about {about}?",
    "what did {name} write on {about}",
    "How does {name} explain {about}?",
    "Summarize {possessive} view of {about}.",
    "Is {name} right about {about}?",
    "Which of {possessive} articles covers {about}?",
    "Tell me about {about}, as {name} sees it",
)
_NAMING_NOBODY = (
    "How is a rye loaf baked?",
    "Will it rise in the cold?",
    "what grows in a field in summer",
    "Field notes on the price of stone",
    "Who woke Summer School up?",
    "Rose petals: are they edible?",
    "Mark the baker's percentages in a table",
    "How do I grace a page with art?",
    "which winter woods burn best",
    "Where do rivers meet the banks?",
    "What should I hope for in June?",
    "Does frost crack a will of stone?",
    "Explain {about} to a beginner",
    "What is the best way of {about}?",
    "why does {about} matter so much",
    "Compare {about} with {other}",
    "I want to read something on {about}",
    "Give me three quotes on {about}",
)


@dataclass(frozen=True)
class Named:
    """A question, how it names somebody, and the slug of who is meant; None for nobody alone."""

    question: str
    kind: str
    expected: str | None


def authors_of(seed: int, count: int = 50) -> list[Author]:
    """Return invented authors: some share a name, some names are words, some are not Latin."""
    draw = random.Random(seed)
    names = [*_WORDLIKE, *_SCRIPTS]
    firsts = [_invented(draw, 2) for _ in range(count)]
    while len(names) < count:
        first = draw.choice(firsts)  # so that some are drawn twice
        last = _invented(draw, draw.choice((1, 2))) + draw.choice(_ENDINGS)
        if draw.random() < 0.15:
            last = f"{draw.choice(_PARTICLES)} {last.title()}"
        elif draw.random() < 0.15:
            last = f"{last.title()}-{_invented(draw, 2).title()}"
        else:
            last = last.title()
        name = f"{first.title()} {last}"
        if slugify(name) not in map(slugify, names):
            names.append(name)
    made = []
    for name in names:
        handle = (slugify(name).replace("-", "")[:9] + "42",) if draw.random() < 0.4 else ()
        made.append(Author(slugify(name), name, aliases=handle))
    return made


def questions_of(authors: Sequence[Author], seed: int) -> list[Named]:
    """Return at least 300 questions over the authors."""
    draw = random.Random(seed)
    firsts = [author.name.split()[0] for author in authors]
    lasts = [author.name.split()[-1] for author in authors]
    made: list[Named] = []
    for author in authors:
        first, last = author.name.split()[0], author.name.split()[-1]
        ways: list[tuple[str, str, str | None]] = [
            ("full name", author.name, author.slug),
            ("lower case", author.name.lower(), author.slug),
            ("typo", _typo(author.name, draw), author.slug),
        ]
        alone = author.slug if firsts.count(first) == 1 else None
        ways.append(("first name" if alone else "shared first name", first, alone))
        if lasts.count(last) == 1:
            ways.append(("last name", last, author.slug))
        ways += [("alias", f"@{alias}", author.slug) for alias in author.aliases]
        for kind, name, expected in ways:
            template = draw.choice(_ASKING)
            question = template.format(
                name=name, possessive=_possessive(name, draw), about=draw.choice(_ABOUT)
            )
            if kind != "lower case" and question.startswith(name.lower()):
                question = name + question[len(name) :]
            made.append(Named(question, kind, expected))
    for _ in range(25):
        one, other = draw.sample(list(authors), 2)
        about = draw.choice(_ABOUT)
        made.append(Named(f"Do {one.name} and {other.name} agree on {about}?", "two authors", None))
    for template in _NAMING_NOBODY:
        about, other = draw.sample(_ABOUT, 2)
        made.append(Named(template.format(about=about, other=other), "nobody", None))
    return made


@dataclass(frozen=True)
class Outcome:
    """Of the questions that mean somebody, how many were decided, and how many rightly."""

    precision: float
    recall: float
    wrong: tuple[tuple[Named, str | None], ...]


def judge(questions: Sequence[Named], decide: Callable[[str], str | None]) -> Outcome:
    """Ask all questions; precision counts whoever was decided on, recall whoever was meant."""
    decided = [(one, decide(one.question)) for one in questions]
    right = sum(found == one.expected for one, found in decided if found is not None)
    made = sum(found is not None for _, found in decided)
    meant = sum(one.expected is not None for one, _ in decided)
    wrong = tuple((one, found) for one, found in decided if found != one.expected)
    return Outcome(right / made, right / meant, wrong)


def _invented(draw: random.Random, syllables: int) -> str:
    return "".join(draw.choice(_SYLLABLES) for _ in range(syllables))


def _possessive(name: str, draw: random.Random) -> str:
    if not name.isascii():
        return name + draw.choice(("'s", "’s"))
    return name + draw.choice("'’") if name[-1] == "s" else name + draw.choice(("'s", "’s", "s"))


def _typo(name: str, draw: random.Random) -> str:
    """Return the name with one edit inside its longest word: swap, drop, double or replace."""
    words = name.split()
    at = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[at]
    if len(word) < 4:
        return name
    place = draw.randrange(1, len(word) - 2)
    before, a, b, after = word[:place], word[place], word[place + 1], word[place + 2 :]
    words[at] = draw.choice(list(_edits(before, a, b, after)))
    return " ".join(words)


def _edits(before: str, a: str, b: str, after: str) -> Iterator[str]:
    yield f"{before}{b}{a}{after}"
    yield f"{before}{b}{after}"
    yield f"{before}{a}{a}{b}{after}"
    yield f"{before}{'o' if a != 'o' else 'e'}{b}{after}"
