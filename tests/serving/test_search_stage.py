"""The search stage: vectors and words, collections, authors, phrasings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import ADA, partition, unit_vectors

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category
from twin_assets.stores import IndexPartition, Snapshot
from twin_assets.stores.faiss import FaissStore
from twin_serving.retrieval import Search
from twin_serving.retrieval.search import search

ALL = [(category, 2) for category in Category for _ in range(4)]
BOB = Author("bob", "Bob")


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return opened(tmp_path, *(partition(a, ALL, seed=at) for at, a in enumerate((ADA, BOB))))


def opened(folder: Path, *parts: IndexPartition) -> Snapshot:
    store = FaissStore(folder)
    return store.open({part.author.slug: store.publish(part).version for part in parts})


def written(texts: Sequence[str], vectors: Vectors, category: Category = Category.POST):
    """Return Ada's partition whose chunks hold the texts and have the vectors."""
    made = partition(ADA, [(category, 1)] * len(texts), vectors=vectors)
    windows = [replace(w, text=text) for w, text in zip(made.windows, texts, strict=True)]
    return replace(made, windows=windows)


def question(seed: int = 99) -> Vectors:
    return unit_vectors(1, seed)


@pytest.mark.parametrize("by", Search)
def test_a_third_of_the_candidates_comes_from_each_collection(snapshot: Snapshot, by: Search):
    found = search(snapshot, ["a d b o"], question(), 9, by=by)
    assert Counter(c.document.category for c in found) == dict.fromkeys(Category, 3)


def test_places_that_a_collection_cannot_fill_go_to_the_best_of_the_others(tmp_path: Path):
    shape = [(Category.REPOSITORY, 1)] * 20 + [(Category.POST, 1)]
    snapshot = opened(tmp_path, partition(ADA, shape))
    found = search(snapshot, [""], question(), 9)
    counts = Counter(candidate.document.category for candidate in found)
    assert counts == {Category.REPOSITORY: 8, Category.POST: 1}
    (hits,) = snapshot.search(question(), Category.REPOSITORY, 8)
    code = [c.chunk_id for c in found if c.document.category is Category.REPOSITORY]
    assert code == [hit.chunk.chunk_id for hit in hits]


@pytest.mark.parametrize("by", Search)
def test_the_order_is_kept_and_no_chunk_comes_twice(snapshot: Snapshot, by: Search):
    vectors = np.concatenate([question(1), question(2), question(1)])
    found = search(snapshot, ["a", "b", "d o"], vectors, 8, by=by)
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert len({candidate.chunk_id for candidate in found}) == len(found) == 8


@pytest.mark.parametrize("by", Search)
def test_an_author_s_filter_leaves_nobody_else(snapshot: Snapshot, by: Search):
    found = search(snapshot, ["a d b o"], question(), 9, author="bob", by=by)
    assert {candidate.document.author for candidate in found} == {"bob"}
    assert len(found) == 9
    assert search(snapshot, ["a d b o"], question(), 9, author="nobody", by=by) == []


def test_what_the_vectors_miss_the_words_find_with_its_cosine(tmp_path: Path):
    """A name that the model never learned stands in one chunk, and its vector says nothing."""
    texts = ["Some words.", *["Other words."] * 200]
    vectors = np.repeat(question(), 201, axis=0)
    vectors[0] = -question()[0]
    part = written([f"{texts[0]} TWIN_KEEP_VERSIONS", *texts[1:]], vectors)
    snapshot = opened(tmp_path, part)
    asked = "What is TWIN_KEEP_VERSIONS?"
    dense = search(snapshot, [asked], question(), 100, by=Search.DENSE)
    assert part.chunks[0].chunk_id not in {candidate.chunk_id for candidate in dense}
    (words,) = search(snapshot, [asked], question(), 100, by=Search.BM25)
    hybrid = {c.chunk_id: c for c in search(snapshot, [asked], question(), 250)}
    found = hybrid[part.chunks[0].chunk_id]
    assert words.chunk_id == found.chunk_id
    assert found.similarity == words.similarity == pytest.approx(-1, abs=1e-6)
    assert found.bm25 == words.bm25 > 0


def test_the_fused_score_is_the_mean_of_both_shares_of_the_best(tmp_path: Path):
    others = unit_vectors(3, 6)
    asked = others[:1]
    texts = ["rye salt", "rye", "oven"]
    snapshot = opened(tmp_path, written(texts, others))
    cosines = (others @ asked[0]).tolist()
    bm25 = [
        snapshot.bm25.scores("rye salt").of("ada", c.chunk_id)
        for c in written(texts, others).chunks
    ]
    expected = {
        0.5 * cosine / max(cosines) + 0.5 * score / max(bm25)
        for cosine, score in zip(cosines, bm25, strict=True)
    }
    found = search(snapshot, ["rye salt"], asked, 9)
    assert [c.score for c in found] == pytest.approx(sorted(expected, reverse=True), abs=1e-5)


def test_another_phrasing_adds_what_it_alone_finds(tmp_path: Path):
    texts = ["rye bread", "loaf of grain"]
    vectors = unit_vectors(2, 3)
    snapshot = opened(tmp_path, written(texts, vectors))
    by = Search.BM25
    assert len(search(snapshot, ["rye"], vectors[:1], 9, by=by)) == 1
    both = search(snapshot, ["rye", "grain loaf"], vectors, 9, by=by)
    assert [c.score for c in both] == pytest.approx([1, 1])  # each is its phrasing's best
    dense = search(snapshot, ["rye", "grain loaf"], vectors, 9, by=Search.DENSE)
    assert [c.similarity for c in dense] == pytest.approx([1, 1], abs=1e-6)
