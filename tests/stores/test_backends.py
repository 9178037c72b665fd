"""What every index backend promises, whichever it is."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from builders import ADA, DIMENSION, MODEL, partition, unit_vectors
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category
from twin_assets.errors import BadInputError, IndexCorruptedError
from twin_assets.stores import Hit, IndexPartition, Snapshot, VectorStore

BOB, CY, EVE = Author("bob", "Bob"), Author("cy", "Cy"), Author("eve", "Eve")
ARTICLES = [(Category.ARTICLE, 3)] * 4


def opened(store: VectorStore, *partitions: IndexPartition) -> Snapshot:
    return store.open({p.author.slug: store.publish(p).version for p in partitions})


def brute_force(
    partitions: list[IndexPartition], vector: Vectors, category: Category, k: int
) -> list[tuple[str, float]]:
    """Return chunk ids with their best window's score, computed in the plainest way."""
    best: dict[str, float] = {}
    for part in partitions:
        category_of = {chunk.chunk_id: chunk.category for chunk in part.chunks}
        for window, row in zip(part.windows, part.vectors, strict=True):
            if category_of[window.chunk_id] is category:
                score = float(row @ vector)
                best[window.chunk_id] = max(best.get(window.chunk_id, -2), score)
    return sorted(best.items(), key=lambda item: -item[1])[:k]


def found(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.chunk.chunk_id, hit.score) for hit in hits]


def assert_same(hits: list[Hit], expected: list[tuple[str, float]]) -> None:
    assert [chunk for chunk, _ in found(hits)] == [chunk for chunk, _ in expected]
    assert [score for _, score in found(hits)] == pytest.approx(
        [score for _, score in expected], abs=1e-6
    )


@pytest.fixture(scope="module")
def corpus() -> list[IndexPartition]:
    """Three authors of very different size, chunks of one to forty windows, three categories."""
    random = np.random.default_rng(5)
    categories = list(Category)
    parts = []
    for seed, (author, chunks) in enumerate([(ADA, 60), (BOB, 3), (CY, 25)]):
        shape = [
            (categories[int(random.integers(3))], int(random.choice([1, 1, 2, 5, 40])))
            for _ in range(chunks)
        ]
        parts.append(partition(author, shape, seed=seed))
    return parts


@pytest.fixture
def snapshot(corpus: list[IndexPartition], store: VectorStore) -> Snapshot:
    return opened(store, *corpus)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10_000),
    category=st.sampled_from(Category),
    k=st.integers(1, 80),
    author=st.sampled_from([None, "ada", "bob", "cy"]),
)
def test_search_equals_brute_force_over_the_author_s_rows(
    snapshot: Snapshot,
    corpus: list[IndexPartition],
    *,
    seed: int,
    category: Category,
    k: int,
    author: str | None,
) -> None:
    vectors = unit_vectors(2, seed)
    mine = [part for part in corpus if author in (None, part.author.slug)]
    results = snapshot.search(vectors, category, k, author)
    assert len(results) == 2
    for vector, hits in zip(vectors, results, strict=True):
        assert_same(hits, brute_force(mine, vector, category, k))
        assert all(hit.chunk.category is category for hit in hits)


def test_it_says_what_it_is(store: VectorStore) -> None:
    said = store.describe()
    assert store.name in said.lower()
    assert re.search(r" \d+\.\d+", said)


def test_a_hit_names_the_window_that_fitted_best(store: VectorStore) -> None:
    part = partition(ADA, [(Category.POST, 7), (Category.POST, 7)])
    snapshot = opened(store, part)
    for row, window in enumerate(part.windows):
        (hits,) = snapshot.search(part.vectors[row : row + 1], Category.POST, 1)
        assert hits[0].chunk.chunk_id == window.chunk_id
        assert (hits[0].window_start, hits[0].window_end) == (window.start, window.end)
        assert hits[0].score == pytest.approx(1, abs=1e-6)


def test_a_chunk_with_very_many_good_windows_does_not_crowd_the_others_out(
    store: VectorStore,
) -> None:
    crowd, others = 500, 9
    vectors = unit_vectors(crowd + others)
    vectors[:crowd] = vectors[0]
    shape = [(Category.ARTICLE, crowd)] + [(Category.ARTICLE, 1)] * others
    part = partition(ADA, shape, vectors=vectors)
    (hits,) = opened(store, part).search(vectors[:1], Category.ARTICLE, 10)
    assert len(hits) == 10
    assert hits[0].chunk == part.chunks[0]
    assert {hit.chunk.chunk_id for hit in hits} == {chunk.chunk_id for chunk in part.chunks}


def test_chunks_come_with_the_mean_of_their_windows(
    snapshot: Snapshot, corpus: list[IndexPartition]
) -> None:
    found = snapshot.bm25.sample(1000)
    assert len(found) == sum(len(part.chunks) for part in corpus)
    for category in Category:
        matches = [match for of, match in found if of is category]
        centres = snapshot.centres(category, matches)
        assert [chunk.chunk_id for chunk, _ in centres] == [match.chunk_id for match in matches]
        for chunk, centre in centres:
            (part,) = (part for part in corpus if part.author.slug == chunk.author)
            assert chunk in part.chunks
            rows = [at for at, w in enumerate(part.windows) if w.chunk_id == chunk.chunk_id]
            assert np.allclose(centre, part.vectors[rows].mean(axis=0), atol=1e-6)
        assert snapshot.centres(category, []) == []


def test_a_small_author_is_found_among_large_ones(store: VectorStore) -> None:
    """Searching first and dropping other authors' rows afterwards would find nothing."""
    question = unit_vectors(1)
    near = np.repeat(question, 1000, axis=0)
    large = partition(ADA, [(Category.POST, 1)] * 1000, vectors=near)
    small = partition(BOB, [(Category.POST, 1)] * 2, vectors=-near[:2])
    (hits,) = opened(store, large, small).search(question, Category.POST, 2, "bob")
    assert {hit.chunk.chunk_id for hit in hits} == {chunk.chunk_id for chunk in small.chunks}


@pytest.mark.parametrize("category", [Category.ARTICLE, Category.REPOSITORY])
def test_categories_are_separate(store: VectorStore, category: Category) -> None:
    part = partition(ADA, [(Category.POST, 2)])
    assert opened(store, part).search(part.vectors[:1], category, 5) == [[]]


def test_nobody_nothing_and_no_question(store: VectorStore) -> None:
    snapshot = opened(store, partition(ADA, ARTICLES), partition(EVE, []))
    question = unit_vectors(2)
    assert snapshot.search(question, Category.ARTICLE, 3, "eve") == [[], []]
    assert snapshot.search(question, Category.ARTICLE, 3, "nobody") == [[], []]
    assert snapshot.search(question, Category.ARTICLE, 0) == [[], []]
    assert snapshot.search(question[:0], Category.ARTICLE, 3) == []
    assert len(snapshot.search(question, Category.ARTICLE, 3)[0]) == 3
    empty = store.open({})
    assert empty.search(question, Category.ARTICLE, 3) == [[], []]


def test_an_author_without_windows_is_published_and_read(store: VectorStore) -> None:
    part = partition(EVE, [])
    read = store.read("eve", store.publish(part).version)
    assert read.vectors.shape == (0, DIMENSION)
    assert (read.documents, read.chunks, read.windows) == ([], [], [])


def test_every_chunk_leads_to_its_document(
    snapshot: Snapshot, corpus: list[IndexPartition]
) -> None:
    for part in corpus:
        by_id = {document.document_id: document for document in part.documents}
        for chunk in part.chunks:
            assert snapshot.document(chunk) == by_id[chunk.document_id]


def test_a_snapshot_stays_as_it_was_while_a_version_is_published_and_served(
    store: VectorStore,
) -> None:
    old, new = partition(ADA, ARTICLES, seed=1), partition(ADA, ARTICLES, seed=2)
    before = opened(store, old)
    version = store.publish(new).version
    store.serve(ADA.slug, version)
    after = store.open({ADA.slug: version})
    for snapshot, part in ((before, old), (after, new)):
        for vector in part.vectors:
            for author in (None, "ada"):
                (hits,) = snapshot.search(vector[None], Category.ARTICLE, 4, author)
                assert_same(hits, brute_force([part], vector, Category.ARTICLE, 4))
                assert all(snapshot.document(hit.chunk) for hit in hits)


def test_a_version_that_is_not_opened_is_never_found(store: VectorStore) -> None:
    ada, bob = partition(ADA, ARTICLES, seed=1), partition(BOB, ARTICLES, seed=2)
    snapshot = opened(store, ada)
    store.publish(bob)
    store.publish(partition(ADA, ARTICLES, seed=3))
    (hits,) = snapshot.search(bob.vectors[:1], Category.ARTICLE, 20)
    assert_same(hits, brute_force([ada], bob.vectors[0], Category.ARTICLE, 20))


def test_what_was_published_can_be_read(store: VectorStore, corpus: list[IndexPartition]) -> None:
    for part in corpus:
        version = store.publish(part).version
        store.verify(part.author.slug, version)
        read = store.read(part.author.slug, version)
        for name in ("author", "documents", "chunks", "model", "chunking", "run_id", "upstream"):
            assert getattr(read, name) == getattr(part, name)
        place = {window.window_id: at for at, window in enumerate(part.windows)}
        order = [place[window.window_id] for window in read.windows]
        assert sorted(order) == list(range(len(part.windows)))
        assert list(read.windows) == [part.windows[at] for at in order]
        assert np.allclose(read.vectors, part.vectors[order], atol=1e-6)


def test_versions_are_served_rolled_back_and_pruned(store: VectorStore) -> None:
    versions = [store.publish(partition(ADA, ARTICLES, seed=n)).version for n in (1, 2, 3)]
    assert [manifest.version for manifest in store.versions("ada")] == versions[::-1]
    assert (store.authors(), store.serving("ada")) == ([], None)
    store.serve("ada", versions[2])
    assert store.roll_back("ada") == versions[1]
    assert (store.serving("ada"), store.pinned_over("ada")) == (versions[1], versions[2])
    assert store.served_at("ada", datetime.now(UTC)) == versions[1]
    part = partition(ADA, ARTICLES, seed=2)
    (hits,) = store.open({"ada": versions[1]}).search(part.vectors[:1], Category.ARTICLE, 4)
    assert_same(hits, brute_force([part], part.vectors[0], Category.ARTICLE, 4))
    assert store.prune("ada", 1) == [versions[0]]
    with pytest.raises(IndexCorruptedError):
        store.read("ada", versions[0])
    with pytest.raises(BadInputError, match="has no index version"):
        store.serve("ada", versions[0])


def test_a_forgotten_author_is_gone_and_the_others_stay(store: VectorStore) -> None:
    ada, bob = partition(ADA, ARTICLES, seed=1), partition(BOB, ARTICLES, seed=2)
    for part in (ada, bob):
        store.serve(part.author.slug, store.publish(part).version)
    store.forget("ada")
    store.forget("ada")
    assert store.authors() == ["bob"]
    assert store.versions("ada") == []
    version = store.serving("bob")
    assert version is not None
    (hits,) = store.open({"bob": version}).search(ada.vectors[:1], Category.ARTICLE, 20)
    assert_same(hits, brute_force([bob], ada.vectors[0], Category.ARTICLE, 20))


def test_opening_more_authors_adds_to_what_is_open(store: VectorStore) -> None:
    ada, bob = partition(ADA, ARTICLES, seed=1), partition(BOB, ARTICLES, seed=2)
    served = {"ada": store.publish(ada).version}
    store.open(served)
    both = store.open({**served, "bob": store.publish(bob).version})
    (hits,) = both.search(ada.vectors[:1], Category.ARTICLE, 8)
    assert_same(hits, brute_force([ada, bob], ada.vectors[0], Category.ARTICLE, 8))
    alone = store.open(served)
    (hits,) = alone.search(bob.vectors[:1], Category.ARTICLE, 8)
    assert_same(hits, brute_force([ada], bob.vectors[0], Category.ARTICLE, 8))


@pytest.mark.parametrize(
    "other",
    [replace(MODEL, weights_sha256="1" * 64), replace(MODEL, dimension=2 * DIMENSION)],
    ids=["weights", "dimension"],
)
def test_vectors_of_two_models_are_never_compared(store: VectorStore, other: object) -> None:
    ada = partition(ADA, ARTICLES)
    served = {"ada": store.publish(ada).version}
    with pytest.raises(IndexCorruptedError, match="different embedding models") as caught:
        store.open(served | {"bob": store.publish(partition(BOB, ARTICLES, model=other)).version})
    assert "\n" not in str(caught.value)
    (hits,) = store.open(served).search(ada.vectors[:1], Category.ARTICLE, 4)
    assert_same(hits, brute_force([ada], ada.vectors[0], Category.ARTICLE, 4))


def test_a_forgotten_author_leaves_no_trace(store: VectorStore) -> None:
    assert store.traces("ada") == 0
    for seed in (1, 2):
        store.serve("ada", store.publish(partition(ADA, ARTICLES, seed=seed)).version)
    assert store.traces("ada") > 0
    store.forget("ada")
    assert store.traces("ada") == 0
