"""Building an IVF over matrices of vectors: training, filling, and how many lists to look into."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import faiss
import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.stores.faiss.exact import (
    Rows,
    best_first,
    exact_scores,
    gather,
    row_numbers,
    sample_questions,
    top_rows,
)

_SEED = 20_240_229
_TRAINED_ON = 32  # rows a list
_ITERATIONS = 10
_FEWEST_LISTS = 4  # so many hold rows enough for a question's chunks, however easily they are found
_RECALL_WANTED = 0.97
_RECALL_AT = 10
_CANDIDATES = 8 * _RECALL_AT  # rows that are scored exactly
_QUESTIONS = 256


def train(matrices: Sequence[Vectors], *, eight_bit: bool) -> Any:
    """Return an IVF that holds every row, numbered through the matrices.

    Args:
        matrices: float32 (rows, dimension) each, not all of them empty.
        eight_bit: store a byte a component instead of four.
    """
    firsts = row_numbers(matrices)
    total, dimension = int(firsts[-1]), matrices[0].shape[1]
    lists = max(1, min(4 * isqrt(total), total // _TRAINED_ON))
    index = _empty(dimension, lists, eight_bit=eight_bit)
    index.cp.seed = _SEED
    index.cp.niter = _ITERATIONS
    index.cp.min_points_per_centroid = 1  # a smaller sample is our choice, not worth a warning
    chosen = np.random.default_rng(_SEED).choice(
        total, min(total, lists * _TRAINED_ON), replace=False
    )
    index.train(gather(matrices, firsts, np.sort(chosen)))
    for matrix in matrices:
        index.add(np.ascontiguousarray(matrix))
    return index


def calibrate(index: Any, matrices: Sequence[Vectors]) -> tuple[int, float]:
    """Return how many lists to look into, and the recall@10 that this reached on a sample.

    It is the smallest power of two, from four on, that reaches the wanted recall, or all lists.
    """
    questions = sample_questions(matrices, _QUESTIONS, _SEED)
    _, truth = top_rows(matrices, questions, _RECALL_AT)
    firsts = row_numbers(matrices)
    nprobe = min(_FEWEST_LISTS, index.nlist)
    while True:
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = nprobe
        _, rows = index.search(questions, _CANDIDATES, params=parameters)
        scores = exact_scores(matrices, firsts, questions, rows)
        _, found = best_first(scores, rows, _RECALL_AT)
        recall = _shared(found, truth) / truth.size
        if recall >= _RECALL_WANTED or nprobe >= index.nlist:
            return nprobe, recall
        nprobe = min(2 * nprobe, index.nlist)


def _shared(found: Rows, truth: Rows) -> int:
    return sum(len(np.intersect1d(f, t)) for f, t in zip(found, truth, strict=True))


def _empty(dimension: int, lists: int, *, eight_bit: bool) -> Any:
    quantizer = faiss.IndexFlatIP(dimension)
    metric = faiss.METRIC_INNER_PRODUCT
    if eight_bit:
        codes = faiss.ScalarQuantizer.QT_8bit
        return faiss.IndexIVFScalarQuantizer(quantizer, dimension, lists, codes, metric)
    return faiss.IndexIVFFlat(quantizer, dimension, lists, metric)
