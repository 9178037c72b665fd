"""How well the served index finds known items, and whether it used to find them better."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from statistics import mean
from typing import Any

from twin_assets.errors import BadInputError
from twin_serving.evaluation import Question
from twin_serving.evaluation.metrics import Estimate, bounded, recall, reciprocal_rank
from twin_serving.evaluation.runs import run
from twin_serving.retrieval import Rerank, RetrievalOptions, Search
from twin_serving.retrieval.pipeline import Retriever

RECALL = "recall@3"
MRR = "MRR@10"
DENSE = " dense only"
CONFIRMED = f"{RECALL} of confirmed"
_JUDGED = (RECALL, MRR)  # what may not become worse

# What a user gets, without the calls of a language model, whose answers differ from day to day.
_OPTIONS = replace(RetrievalOptions(), use_llm=False, phrasings=1)
_SETTINGS = {
    "": _OPTIONS,
    DENSE: replace(_OPTIONS, search=Search.DENSE, rerank=Rerank.OFF),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """One measurement.

    ``versions`` are the index versions that answered, by author. ``figures`` are means by name:
    over the headings and titles, and over the questions that people confirmed, where there are any.
    ``missed`` are questions whose document was not among the first three, and ``confirmed`` the
    recall@3 of each question that people confirmed.
    """

    at: str
    versions: Mapping[str, str]
    questions: int
    figures: Mapping[str, Estimate]
    missed: tuple[str, ...]
    confirmed: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @staticmethod
    def of_json(values: Mapping[str, Any]) -> "Quality":
        """Return what :meth:`as_json` was called on."""
        figures = {name: Estimate(**figure) for name, figure in values["figures"].items()}
        return Quality(
            values["at"],
            values["versions"],
            values["questions"],
            figures,
            tuple(values["missed"]),
            values.get("confirmed", {}),  # those from before people were asked have none
        )


def measure_quality(
    retriever: Retriever,
    questions: Sequence[Question],
    versions: Mapping[str, str],
    confirmed: Sequence[Question] = (),
) -> Quality:
    """Ask for known items as a user would, and by dense search alone.

    What people asked and confirmed is asked as a user would, and is a figure of its own: it is
    harder, and there is more of it from week to week.

    Args:
        retriever: what is measured.
        questions: the served documents' headings and titles, see :func:`known_items`.
        versions: the index version of each author.
        confirmed: questions that people asked, with their right documents.

    Raises:
        BadInputError: there is no question, for no document has a heading or title to ask.
        TwinError: as :meth:`Retriever.retrieve`.
    """
    if not questions:
        raise BadInputError("No document has a title or heading that would make a question.")
    figures: dict[str, Estimate] = {}
    missed: list[str] = []
    for name, options in _SETTINGS.items():
        pairs = [
            (ranking, question.grades)
            for ranking, question in zip(
                run(retriever, questions, options).rankings, questions, strict=True
            )
        ]
        recalls = [recall(ranking, grades, 3) for ranking, grades in pairs]
        figures[RECALL + name] = bounded(recalls)
        figures[MRR + name] = bounded([reciprocal_rank(r, grades, 10) for r, grades in pairs])
        if options is _OPTIONS:
            missed = [q.text for q, found in zip(questions, recalls, strict=True) if not found]
    asked: dict[str, float] = {}
    if confirmed:
        rankings = run(retriever, confirmed, _OPTIONS).rankings
        asked = {q.text: recall(r, q.grades, 3) for q, r in zip(confirmed, rankings, strict=True)}
        figures[CONFIRMED] = bounded(list(asked.values()))
        missed += [text for text, found in asked.items() if not found]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    count = len(questions) + len(asked)
    return Quality(at, dict(versions), count, figures, tuple(missed), asked)


def baseline(now: Quality, before: Sequence[Quality]) -> Quality | None:
    """Return what a measurement is judged against: the last one of other index versions.

    So the same version gets the same verdict however often it is measured. While there has been
    only one, its first measurement counts, and what has become worse is the code.

    Args:
        now: the measurement.
        before: those before it, newest first.
    """
    others = (one for one in before if one.versions != now.versions)
    return next(others, before[-1] if before else None)


def regressions(now: Quality, earlier: Quality) -> list[str]:
    """Return one line for each figure that lies below the earlier one's 95 % interval.

    Of the questions that people confirmed, those count that were asked both times: a correction
    that came in between is no regression.
    """
    figures = {name: (now.figures[name].mean, earlier.figures[name]) for name in _JUDGED}
    if both := sorted(now.confirmed.keys() & earlier.confirmed.keys()):
        figures[CONFIRMED] = (
            mean(now.confirmed[text] for text in both),
            bounded([earlier.confirmed[text] for text in both]),
        )
    return [
        f"{name} is {value:.3f}; on {earlier.at} it was {before.mean:.3f}, at least "
        f"{before.low:.3f} with 95 % confidence"
        for name, (value, before) in figures.items()
        if value < before.low
    ]
