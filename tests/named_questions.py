"""Questions that name invented authors in many ways, each with whom it means.

Drawn from a seed; whom a question means is known from how it was made.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from invented_authors import WORDS

from twin_assets.documents import Author, slugify
from twin_serving.retrieval.self_query import SelfQuery

_ABOUT = (
    *("rye bread", "testing a parser", "cold water", "vector search", "writing less"),
    *("sourdough in winter", "batteries", "the price of rent", "field notes", "Kubernetes"),
)
_ASKING = (
    "What does {name} say about {about}?",
    "What did {name} write on {about}?",
    "How would {name} explain {about} to a child?",
    "Is {name} right about {about}?",
    "Tell me about {about}, as {name} sees it.",
    "According to {name}, is {about} worth it?",
    "I read that {name} gave up on {about}. Why?",
    "{about}: does {name} recommend it?",
    "Find everything by {name} that touches {about}",
    "{name} on {about}",
)
_OWNING = (
    "Summarize {whose} view of {about}.",
    "Which of {whose} articles covers {about}?",
    "Is {whose} advice on {about} still good?",
    "List {whose} posts",
)
_SEVERAL = (
    "Do {one} and {other} agree on {about}?",
    "Compare {one} with {other} on {about}",
    "{one}, {other}: who is right about {about}?",
    "Where does {one} contradict {other}'s view of {about}?",
)
# One of them is an ordinary word, which only the other shows to be a name.
_JOINED = (
    "{one} and {other}: who is right about {about}?",
    "{one} or {other}, whose view of {about} holds?",
    "{one} vs {other} on {about}",
    "{one} & {other} on {about}",
    "{one}, {other}: what do they make of {about}?",
    "{one} and {other} disagree about {about}. Why?",
)
_JOINED_LOWER = (
    "compare {one} and {other} on {about}",
    "who is right about {about}, {other} or {one}?",
    "{one} vs. {other} on {about}",
    "does {one} agree with {other}?",
)
_STRANGERS_FIRST = ("Gwendolyn", "Barnaby", "Ezekiel", "Rosalind")
_STRANGERS_LAST = ("Featherstone", "Lovelace", "Abernathy", "Zuckerman")
_NOBODY = (
    "How is a rye loaf baked?",
    "Will it rise in the cold?",
    "what grows in a field in summer",
    "Field notes on the price of stone",
    "Stone walls keep how warm? Will frost harm them?",
    "Rose petals: are they edible?",
    "Mark the baker's percentages down in a table",
    "How do I grace a page with art?",
    "How to Mark Down a Page in Summer",
    "WILL IT FROST IN JUNE?",
    "which winter will burn down a field of hope",
    "Where do rivers meet?",
    "What should I hope for in June?",
    "is the price of faith a page of stone",
    "Who was born in Summer, in Berg or in Kim?",
    "What does art matter to bakers",
    "Does the max price go down in winter?",
    "Explain {about} to a beginner",
    "why does {about} matter so much",
    "Compare {about} with {other}",
    "Give me three quotes on {about}",
    "What happened to Postgres and Terraform in Berlin?",
    "Who is @mara_unknown, and what is x@example.com?",
)


@dataclass(frozen=True)
class Named:
    """A question, how it names somebody, and the slugs of those that it may mean.

    ``ambiguous`` questions have one name that fits several.
    """

    question: str
    kind: str
    meant: frozenset[str]
    ambiguous: bool = False


@dataclass(frozen=True)
class Outcome:
    """How the questions were decided.

    ``precision`` is the share of right ones among the authors decided on, ``recall`` that of
    decided ones among the questions that mean one author, and ``reported`` the share of the
    questions with several authors whose names were all told, and told apart as one ambiguous name
    or several clear ones.
    """

    precision: float
    recall: float
    reported: float
    asked: Counter[str]
    wrong: tuple[tuple[Named, SelfQuery], ...]


def judge(questions: Sequence[Named], decide: Callable[[str], SelfQuery]) -> Outcome:
    """Ask all questions and count."""
    answered = [(one, decide(one.question)) for one in questions]
    wrong = [(one, found) for one, found in answered if not _is_right(one, found)]
    chosen = [found.match.slug in one.meant for one, found in answered if found.match]
    right = sum(_is_right(one, found) for one, found in answered if len(one.meant) == 1)
    several = [_is_right(one, found) for one, found in answered if len(one.meant) > 1]
    false_choices = sum(found.match is not None for one, found in wrong)
    return Outcome(
        precision=1 - false_choices / len(chosen),
        recall=right / sum(len(one.meant) == 1 for one in questions),
        reported=sum(several) / len(several),
        asked=Counter(one.kind for one in questions),
        wrong=tuple(wrong),
    )


def _is_right(one: Named, found: SelfQuery) -> bool:
    if len(one.meant) == 1:
        return found.match is not None and found.match.slug in one.meant
    named = {match.slug for match in found.named}
    return found.match is None and named == one.meant and found.ambiguous == one.ambiguous


def questions_of(authors: Sequence[Author], seed: int) -> list[Named]:
    """Return questions over the authors: a few for each, then those over several and nobody."""
    draw = random.Random(seed)
    made = [named for author in authors for named in _about_one(author, authors, draw)]
    for _ in range(30):
        one, other = draw.sample(list(authors), 2)
        question = draw.choice(_SEVERAL).format(
            one=one.name, other=other.name, about=draw.choice(_ABOUT)
        )
        made.append(Named(question, "several", frozenset((one.slug, other.slug))))
    made += _joined(authors, draw)
    two_words = [a.name for a in authors if a.name.isascii() and a.name.count(" ") == 1]
    for name in draw.sample(two_words, 12):
        first, last = name.split()
        theirs = (
            f"{first} {draw.choice(_STRANGERS_LAST)}",
            f"{draw.choice(_STRANGERS_FIRST)} {last}",
        )
        for stranger in theirs:
            made.append(Named(_ask(stranger, draw), "a stranger", frozenset()))
    for template in _NOBODY:
        about, other = draw.sample(_ABOUT, 2)
        question = template.format(about=about, other=other)
        made.append(Named(question, "nobody", frozenset()))
    return made


def _about_one(author: Author, authors: Sequence[Author], draw: random.Random) -> Iterator[Named]:
    only = frozenset((author.slug,))
    name = author.name
    yield Named(_ask(name, draw), "full name", only)
    yield Named(_ask(name, draw).lower(), "lower case", only)
    yield Named(_ask_whose(name, draw), "possessive", only)
    if slugify(name).isascii() and re.search(r"\w{4}", name):
        yield Named(_ask(_typo(name, draw), draw), "typo", only)
        if len(name) > 10:
            yield Named(_ask(_typo(_typo(name, draw), draw), draw), "two typos", only)
        yield Named(_ask(" ".join(slugify(name).title().split("-")), draw), "plain letters", only)
    for alias in author.aliases:
        yield Named(_ask(alias, draw), "alias", only)
        if " " not in alias:
            yield Named(_ask(f"@{alias}", draw), "handle", only)
    parts = name.split()
    if len(parts) == 1 or parts[0].endswith("."):
        return
    for kind, part, place in (("first name", parts[0], 0), ("last name", parts[-1], -1)):
        fits = frozenset(a.slug for a in authors if slugify(part) in _single_names(a))
        shared = len(fits) > 1
        label = f"shared {kind}" if shared else kind
        yield Named(_ask(part, draw), label, fits, shared)
        if not shared:
            yield Named(_ask_whose(part, draw), f"{label}, possessive", fits)
            if part not in WORDS:  # which in small letters may be just that
                yield Named(_ask(part, draw).lower(), f"{label}, lower case", fits)
        if place == -1 and len(parts) == 2 and not shared and draw.random() < 0.5:
            yield Named(_ask(f"{parts[0][0]}. {part}", draw), "initial", only)


def _joined(authors: Sequence[Author], draw: random.Random) -> Iterator[Named]:
    """Yield questions about two authors, one by a word and one by a name that is none."""
    fits = Counter(name for author in authors for name in _single_names(author))
    parts = [(a, part) for a in authors for part in a.name.split() if fits[slugify(part)] == 1]
    words = [(author, part) for author, part in parts if part in WORDS]
    others = [
        (author, part)
        for author, part in parts
        if part == author.name.split()[-1] and re.fullmatch(r"[A-Z][a-z]{6,}", part)
    ]
    for one, word in words:
        other, name = draw.choice([pair for pair in others if pair[0] is not one])
        meant = frozenset((one.slug, other.slug))
        about = draw.choice(_ABOUT)
        question = draw.choice(_JOINED).format(one=word, other=name, about=about)
        yield Named(question, "joined", meant)
        lower = draw.choice(_JOINED_LOWER)
        question = lower.format(one=word.lower(), other=name.lower(), about=about)
        yield Named(question, "joined, lower case", meant)


def _single_names(author: Author) -> set[str]:
    parts = author.name.split()
    return {slugify(parts[0]), slugify(parts[-1])}


def _ask(name: str, draw: random.Random) -> str:
    question = draw.choice(_ASKING).format(name=name, about=draw.choice(_ABOUT))
    return question[0].upper() + question[1:] if name[0].isupper() else question


def _ask_whose(name: str, draw: random.Random) -> str:
    endings = ("'", "’") if name.endswith("s") and draw.random() < 0.5 else ("'s", "’s")
    whose = name + draw.choice(endings)
    return draw.choice(_OWNING).format(whose=whose, about=draw.choice(_ABOUT))


def _typo(name: str, draw: random.Random) -> str:
    """Return the name with one edit in one of its words: swap, drop, double or replace.

    A word's first letter stays, as it nearly always does, and so do words of up to three letters.
    """
    words = re.split(r"\b", name)
    at = draw.choice([place for place, word in enumerate(words) if len(word) > 3])
    word = words[at]
    place = draw.randrange(1, len(word) - 1)
    before, a, b, after = word[:place], word[place], word[place + 1], word[place + 2 :]
    edits = [before + a + a + b + after, before + draw.choice("aeinorst") + b + after]
    edits += [before + b + a + after, before + b + after]
    words[at] = draw.choice([edit for edit in edits if edit != word])
    return "".join(words)
