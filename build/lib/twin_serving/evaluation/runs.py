"""One way of searching, over all questions: what was found, and how fast."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from twin_serving.evaluation import Question
from twin_serving.retrieval import Candidate, RetrievalOptions
from twin_serving.retrieval.pipeline import Retriever


@dataclass(frozen=True, slots=True)
class Run:
    """For each question, the ids of the documents that were found, best first, and the seconds."""

    rankings: tuple[tuple[str, ...], ...]
    seconds: tuple[float, ...]


def run(
    retriever: Retriever,
    questions: Sequence[Question],
    options: RetrievalOptions,
    progress: Callable[[int], None] = lambda done: None,
) -> Run:
    """Ask all questions with these options, each of its author where it has one.

    The rankings hold every candidate's document, whatever the context stage would make of it.

    Args:
        retriever: what finds the candidates.
        questions: what is asked.
        options: how; ``k`` is the depth.
        progress: called after each question with how many are done.

    Raises:
        TwinError: as :meth:`Retriever.retrieve`.
    """
    rankings: list[tuple[str, ...]] = []
    seconds: list[float] = []
    for question in questions:
        own = replace(options, author=question.author) if question.author else options
        started = perf_counter()
        found = retriever.candidates(question.text, own)
        seconds.append(perf_counter() - started)
        rankings.append(documents_of(found))
        progress(len(rankings))
    return Run(tuple(rankings), tuple(seconds))


def documents_of(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    """Return the documents' ids in the order of their best passages."""
    return tuple(dict.fromkeys(candidate.document.document_id for candidate in candidates))
