"""Figures of a ranking, as trec_eval defines them, and how far they can be trusted.

A ranking is the ids of documents, best first, none twice. ``grades`` maps judged documents to their
grades: 0, less, and not judged are all not relevant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2, sqrt

import numpy as np

Grades = Mapping[str, int]

_RESAMPLES = 2000
_SEED = 20
_Z = 1.96  # 95 % of a normal distribution lies within so many standard deviations


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions, and the bounds of its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def ndcg(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Return nDCG@k between 0 and 1; 0 where nothing is relevant.

    The gain is the grade itself and the discount log2(rank + 1), as in trec_eval's ndcg_cut
    (Järvelin and Kekäläinen, 2002).
    """
    ideal = _dcg(sorted(grades.values(), reverse=True)[:k])
    return _dcg([grades.get(document, 0) for document in ranking[:k]]) / ideal if ideal else 0.0


def recall(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Return the share of the relevant documents among the first ``k``; 0 where there are none."""
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Return 1 / rank of the first relevant document; 0 where none is among the first ``k``."""
    ranks = (rank for rank, one in enumerate(ranking[:k], 1) if grades.get(one, 0) > 0)
    return 1 / next(ranks, float("inf"))


def bootstrapped(values: Sequence[float]) -> Estimate:
    """Return the mean of one value a question, with its percentile bootstrap interval.

    The questions are drawn again, with replacement, 2,000 times; the bounds are the 2.5 and 97.5
    percentiles of the means (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
    13). The draws are seeded, so that the same values give the same bounds.
    """
    array = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(_SEED)
    means = [array[random.integers(0, len(array), len(array))].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(array.mean()), float(low), float(high))


def bounded(values: Sequence[float]) -> Estimate:
    """Return the mean of one value a question, with an interval that is wide enough for few values.

    It is Wilson's for a proportion (1927). A value between 0 and 1 varies at most as much as one
    that is either, so the interval errs on the wide side; where all values are 1 a bootstrap would
    give none at all.
    """
    count, mean = len(values), float(np.mean(values))
    scale = 1 + _Z**2 / count
    middle = (mean + _Z**2 / (2 * count)) / scale
    half = _Z * sqrt(max(mean * (1 - mean), 0.0) / count + _Z**2 / (4 * count**2)) / scale
    return Estimate(mean, max(middle - half, 0.0), min(middle + half, 1.0))


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, 1) if gain > 0)
