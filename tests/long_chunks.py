"""Files of code whose one telling fact stands in the last third, and questions for the facts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from twin_assets.documents import Category, RawDocument

_PARTS = ("mail queue", "image cache", "login form", "billing report", "search index", "backup job")
_KINDS = ("nightly", "regional", "temporary", "shared", "archived", "public")
_FACTS = (
    (
        "How long does the {what} wait before it tries again?",
        "The {what} waits {n} seconds before it tries again.",
    ),
    ("How many workers does the {what} start?", "The {what} starts {n} workers and never more."),
    ("Who is told when the {what} fails?", "When the {what} fails, desk {n} is told by telephone."),
)
_VERBS = ("load", "merge", "split", "count", "check", "sort", "move", "pack")
_NOUNS = ("rows", "pages", "names", "lines", "items", "keys", "parts", "marks")
_STEPS = 46  # functions a file: about 1,400 tokens of all-MiniLM-L6-v2, so one chunk


@dataclass(frozen=True)
class LongFile:
    """A file, and the question that its fact answers."""

    document: RawDocument
    question: str


def long_files(count: int, seed: int = 1) -> list[LongFile]:
    """Return files of about 1,400 tokens, no two about the same thing."""
    draw = random.Random(seed)
    subjects = [f"{kind} {part}" for kind in _KINDS for part in _PARTS]
    made = []
    for number, what in enumerate(draw.sample(subjects, count)):
        question, fact = (
            text.format(what=what, n=draw.randrange(3, 90)) for text in draw.choice(_FACTS)
        )
        steps = [_function(draw, step) for step in range(_STEPS)]
        steps.insert(_STEPS - draw.randrange(3, _STEPS // 3), f"# {fact}")
        path = f"module_{number:02d}.py"
        document = RawDocument(
            "ada",
            "github",
            Category.REPOSITORY,
            f"https://example.com/blob/{path}",
            path,
            "\n\n\n".join(steps),
            language="python",
            path=path,
        )
        made.append(LongFile(document, question))
    return made


def reciprocal_ranks(rankings: Sequence[Sequence[str]], expected: Sequence[str]) -> list[float]:
    """Return 1 / rank of the expected document in each ranking; 0 where it is not found."""
    return [
        1 / (ranking.index(document) + 1) if document in ranking else 0.0
        for ranking, document in zip(rankings, expected, strict=True)
    ]


def _function(draw: random.Random, step: int) -> str:
    verb, noun, other = draw.choice(_VERBS), draw.choice(_NOUNS), draw.choice(_NOUNS)
    body = f"    {other} = sorted({noun})\n    return {other}[{step}:]"
    return f"def {verb}_{noun}_{step}({noun}):\n{body}"
