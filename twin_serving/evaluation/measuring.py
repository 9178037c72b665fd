"""The ways of searching that are compared, each with its figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean

from twin_serving.evaluation import DEPTH, Question
from twin_serving.evaluation.metrics import (
    Estimate,
    bootstrapped,
    ndcg,
    recall,
    reciprocal_rank,
)
from twin_serving.evaluation.runs import Run, run
from twin_serving.retrieval import Rerank, RetrievalOptions, Search, StageTrace
from twin_serving.retrieval.pipeline import Retriever

DEFAULT = "default"
_PLAIN = RetrievalOptions(k=DEPTH, use_llm=False, phrasings=1, rerank=Rerank.OFF)
SETTINGS: Mapping[str, RetrievalOptions] = {
    "dense": replace(_PLAIN, search=Search.DENSE),
    "bm25": replace(_PLAIN, search=Search.BM25),
    "hybrid": _PLAIN,
    "hybrid+late-interaction": replace(_PLAIN, rerank=Rerank.LATE_INTERACTION),
    "hybrid+cross-encoder": replace(_PLAIN, rerank=Rerank.CROSS_ENCODER),
    # as many candidates as a user gets: its recall@100 is that of those few
    DEFAULT: RetrievalOptions(),
}

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Figures:
    """How good the rankings of one setting are, and the mean seconds a question."""

    ndcg_at_10: Estimate
    recall_at_10: Estimate
    recall_at_100: Estimate
    mrr_at_10: Estimate
    seconds_per_query: float


@dataclass(frozen=True, slots=True)
class Result:
    """A setting with its figures, or with the reason why it could not be measured here.

    ``candidates`` are those of a question at most.
    """

    setting: str
    candidates: int
    figures: Figures | None
    reason: str | None = None


def measure(
    retriever: Retriever, questions: Sequence[Question], progress: Progress
) -> list[Result]:
    """Return the figures of every setting.

    Args:
        retriever: what is measured; it serves the questions' documents.
        questions: each with a relevant document.
        progress: called with the setting's name and the number of questions done.

    Raises:
        TwinError: as :meth:`Retriever.retrieve`.
    """
    results: list[Result] = []
    for name, options in SETTINGS.items():
        # The first question tells which stages there are; it also loads what they need.
        own = replace(options, author=questions[0].author)
        trace = retriever.retrieve(questions[0].text, own).trace
        method, reason = _reranked_by(trace)
        if options.rerank is Rerank.CROSS_ENCODER and method != Rerank.CROSS_ENCODER:
            why = reason or "the cross-encoder is not at hand"
            results.append(Result(name, options.k, None, why))
            continue
        retriever.forget_passages()  # those that the setting before read are no quicker for it
        found = run(retriever, questions, options, partial(progress, name))
        results.append(Result(name, options.k, figures_of(questions, found)))
    return results


def _reranked_by(trace: Sequence[StageTrace]) -> tuple[str, str | None]:
    """Return what put the candidates in order, in the options' words, and why no other did."""
    for entry in trace:
        if entry.stage == "rerank" and not entry.skipped:
            return str(entry.output["method"]).replace(" ", "-"), entry.reason
    return Rerank.OFF, None


def figures_of(questions: Sequence[Question], found: Run) -> Figures:
    """Return the figures of what was found, each a mean over the questions."""
    pairs = [(r, q.grades) for r, q in zip(found.rankings, questions, strict=True)]
    return Figures(
        ndcg_at_10=bootstrapped([ndcg(r, grades, 10) for r, grades in pairs]),
        recall_at_10=bootstrapped([recall(r, grades, 10) for r, grades in pairs]),
        recall_at_100=bootstrapped([recall(r, grades, 100) for r, grades in pairs]),
        mrr_at_10=bootstrapped([reciprocal_rank(r, grades, 10) for r, grades in pairs]),
        seconds_per_query=mean(found.seconds),
    )
