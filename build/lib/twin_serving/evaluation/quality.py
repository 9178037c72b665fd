"""How well the served index finds known items, and whether it used to find them better."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from twin_assets.documents import CleanedDocument
from twin_assets.errors import BadInputError
from twin_serving.evaluation.known_items import known_items
from twin_serving.evaluation.metrics import Estimate, bounded, recall, reciprocal_rank
from twin_serving.evaluation.runs import run
from twin_serving.retrieval import Rerank, RetrievalOptions, Search
from twin_serving.retrieval.pipeline import Retriever

RECALL = "recall@3"
MRR = "MRR@10"
DENSE = " dense only"
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

    ``versions`` are the index versions that answered, by author. ``figures`` are means over the
    questions by name. ``missed`` are questions whose document was not among the first three.
    """

    at: str
    versions: Mapping[str, str]
    questions: int
    figures: Mapping[str, Estimate]
    missed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @staticmethod
    def of_json(values: Mapping[str, Any]) -> "Quality":
        """Return what :meth:`as_json` was called on."""
        figures = {name: Estimate(**figure) for name, figure in values["figures"].items()}
        missed = tuple(values["missed"])
        return Quality(values["at"], values["versions"], values["questions"], figures, missed)


def measure_quality(
    retriever: Retriever, documents: Sequence[CleanedDocument], versions: Mapping[str, str]
) -> Quality:
    """Ask for the documents' own headings and titles as a user would, and by dense search alone.

    Args:
        retriever: what is measured.
        documents: what it serves.
        versions: the index version of each author.

    Raises:
        BadInputError: the documents have no heading or title to ask.
        TwinError: as :meth:`Retriever.retrieve`.
    """
    questions = known_items(documents)
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
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Quality(at, dict(versions), len(questions), figures, tuple(missed))


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
    """Return one line for each figure that lies below the earlier one's 95 % interval."""
    return [
        f"{name} is {now.figures[name].mean:.3f}; "
        f"on {earlier.at} it was {earlier.figures[name].mean:.3f}, at least "
        f"{earlier.figures[name].low:.3f} with 95 % confidence"
        for name in _JUDGED
        if now.figures[name].mean < earlier.figures[name].low
    ]
