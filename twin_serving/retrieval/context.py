"""The passages an answer may rest on: fitting, within the budget, numbered."""

from collections.abc import Sequence

from twin_serving.retrieval import Candidate, Passage


def select_context(
    candidates: Sequence[Candidate], top: int, minimum_similarity: float, token_budget: int
) -> tuple[tuple[Passage, ...], dict[str, int]]:
    """Return the first ``top`` candidates that fit, numbered from 1, and what was left out why.

    Args:
        candidates: best first.
        top: passages at most.
        minimum_similarity: a candidate whose cosine is lower does not fit the question.
        token_budget: tokens of the passages together; one that would go over it is passed over.
    """
    passages: list[Passage] = []
    left_out = {"unfitting": 0, "over_budget": 0, "beyond_top": 0}
    spent = 0
    for candidate in candidates:
        if candidate.similarity < minimum_similarity:
            left_out["unfitting"] += 1
        elif len(passages) == top:
            left_out["beyond_top"] += 1
        elif spent + candidate.tokens > token_budget:
            left_out["over_budget"] += 1
        else:
            spent += candidate.tokens
            passages.append(Passage(len(passages) + 1, candidate))
    return tuple(passages), {"tokens": spent, **left_out}
