"""Exact search over matrices that stay where they are."""

from collections.abc import Sequence

import faiss
import numpy as np
import numpy.typing as npt

from twin_assets.artifacts import Vectors

Rows = npt.NDArray[np.int64]
_PUSH = 1.0  # how far, about, a stored vector of length 1 is pushed to make a question of it


def top_rows(matrices: Sequence[Vectors], vectors: Vectors, wanted: int) -> tuple[Vectors, Rows]:
    """Return for each vector the scores and numbers of its best rows, best first.

    Args:
        matrices: float32 (rows, dimension) each; rows are numbered through all of them.
        vectors: float32 (questions, dimension).
        wanted: rows a question; fewer come back only when there are no more.
    """
    scores = [np.empty((len(vectors), 0), np.float32)]
    rows = [np.empty((len(vectors), 0), np.int64)]
    first = 0
    for matrix in matrices:
        found, numbers = faiss.knn(
            vectors, matrix, min(wanted, len(matrix)), faiss.METRIC_INNER_PRODUCT
        )
        scores.append(found)
        rows.append(numbers + first)
        first += len(matrix)
    return best_first(np.concatenate(scores, axis=1), np.concatenate(rows, axis=1), wanted)


def best_first(scores: Vectors, rows: Rows, wanted: int) -> tuple[Vectors, Rows]:
    """Return the ``wanted`` best columns of each line, best first, equal scores by row."""
    if scores.shape[1] > wanted:
        best = np.argpartition(-scores, wanted, axis=1)[:, :wanted]
        scores, rows = (
            np.take_along_axis(scores, best, axis=1),
            np.take_along_axis(rows, best, axis=1),
        )
    order = np.lexsort((rows, -scores), axis=1)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


def renumbered(rows: Rows, firsts: Rows, targets: Rows) -> Rows:
    """Return the rows as they are called elsewhere: what begins at a first begins at its target."""
    owners = np.searchsorted(firsts, rows, side="right") - 1
    moved: Rows = rows - firsts[owners] + targets[owners]
    return moved


def row_numbers(matrices: Sequence[Vectors]) -> Rows:
    """Return the first row of each matrix, numbered through all of them, and one past the last."""
    return np.cumsum([0, *(len(matrix) for matrix in matrices)], dtype=np.int64)


def gather(matrices: Sequence[Vectors], firsts: Rows, rows: Rows) -> Vectors:
    """Return the vectors of the rows; ``firsts`` is what :func:`row_numbers` says."""
    owners = np.searchsorted(firsts, rows, side="right") - 1
    places = rows - firsts[owners]
    return np.stack([matrices[o][p] for o, p in zip(owners.tolist(), places.tolist(), strict=True)])


def exact_scores(
    matrices: Sequence[Vectors], firsts: Rows, vectors: Vectors, rows: Rows
) -> Vectors:
    """Return the scores of each vector's own rows (vectors, rows); that of row -1 is the least."""
    stored = gather(matrices, firsts, np.maximum(rows, 0).ravel()).reshape(*rows.shape, -1)
    scores: Vectors = np.einsum("qd,qrd->qr", vectors, stored)
    scores[rows < 0] = -np.inf
    return scores


def sample_questions(matrices: Sequence[Vectors], count: int, seed: int) -> Vectors:
    """Return questions made of stored vectors, each pushed at random and normalized.

    A stored vector as it is would be found too easily, and a vector of nothing but chance has no
    neighbours that matter.

    Args:
        matrices: the stored vectors, not all of them empty.
        count: how many questions.
        seed: the same seed gives the same questions.
    """
    random = np.random.default_rng(seed)
    firsts = row_numbers(matrices)
    drawn = gather(matrices, firsts, random.integers(firsts[-1], size=count))
    pushed = drawn + _PUSH * random.normal(size=drawn.shape) / np.sqrt(drawn.shape[1])
    questions: Vectors = (pushed / np.linalg.norm(pushed, axis=1, keepdims=True)).astype(np.float32)
    return questions
