"""The passages an answer may rest on: fitting, none twice, within the budget, numbered."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from twin_serving.retrieval import Candidate, Passage
from twin_serving.retrieval.fitting import Fit


def select_context(
    candidates: Sequence[Candidate], top: int, fit: Fit, token_budget: int
) -> tuple[tuple[Passage, ...], dict[str, int]]:
    """Return the first ``top`` candidates that fit, numbered from 1, and what was left out why.

    Chunks of one document that touch or overlap become one passage, which has the number of the
    first of them. When one chunk joins two passages, the later number is left out: what comes after
    a passage never gives its number to another.

    Args:
        candidates: best first.
        top: candidates at most.
        fit: what a candidate must have to fit the question.
        token_budget: tokens of the passages together; one that would go over it is passed over.
    """
    passages: list[Passage] = []
    left_out = {"unfitting": 0, "duplicate": 0, "over_budget": 0, "beyond_top": 0}
    texts: set[str] = set()
    spent = merged = number = 0
    for candidate in candidates:
        text = " ".join(candidate.text.split())
        if not fit.allows(candidate):
            left_out["unfitting"] += 1
        elif text in texts:
            left_out["duplicate"] += 1
        elif len(passages) + merged == top:
            left_out["beyond_top"] += 1
        elif spent + candidate.tokens > token_budget:
            left_out["over_budget"] += 1
        else:
            spent += candidate.tokens
            texts.add(text)
            touching = [p for p in passages if _touch(p.candidate, candidate)]
            number += not touching
            merged += len(touching)
            alone = Passage(number, candidate, (candidate.chunk_id,))
            joined = reduce(_joined, [*touching, alone])
            kept = [passage for passage in passages if passage not in touching]
            passages = sorted([*kept, joined], key=lambda passage: passage.n)
    return tuple(passages), {"tokens": spent, "merged": merged, **left_out}


def _touch(one: Candidate, other: Candidate) -> bool:
    """Tell whether nothing but space stands between the two in one document."""
    if one.document.document_id != other.document.document_id:
        return False
    first, second = sorted((one, other), key=lambda candidate: candidate.start)
    return not one.document.text[first.end : second.start].strip()


def _joined(passage: Passage, later: Passage) -> Passage:
    best, other = passage.candidate, later.candidate
    start, end = min(best.start, other.start), max(best.end, other.end)
    candidate = replace(
        best,
        start=start,
        end=end,
        text=best.document.text[start:end],
        tokens=best.tokens + other.tokens,
    )
    return replace(passage, candidate=candidate, chunk_ids=(*passage.chunk_ids, *later.chunk_ids))
