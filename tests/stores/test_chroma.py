import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import ADA, DIMENSION, partition, unit_vectors
from chroma_publishing import kept_rows
from publishing import assert_answers, publish_and_serve, version_of

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import IndexPartition, Snapshot
from twin_assets.stores.chroma import ChromaStore
from twin_assets.stores.chroma.database import ChromaDatabase
from twin_assets.stores.chroma.rows import collections_of

BOB = Author("bob", "Bob")


# Many rows: what is left to Chroma's graph, and what is not


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[ChromaStore, list[IndexPartition]]:
    """Ada's 2,400 rows round one point and Bob's 400 round the opposite one; an older version."""
    random = np.random.default_rng(3)
    center = unit_vectors(1, 3)

    def near(point: Vectors, count: int) -> Vectors:
        drawn = point + random.normal(scale=0.3, size=(count, DIMENSION))
        normalized: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype("f4")
        return normalized

    posts = [(Category.POST, 2)]
    old = partition(ADA, posts * 300, seed=1, vectors=near(center, 600))
    ada = partition(ADA, posts * 1200, seed=2, vectors=near(center, 2400))
    bob = partition(BOB, posts * 200, seed=3, vectors=near(-center, 400))
    store = ChromaStore(tmp_path_factory.mktemp("many"))
    for part in (old, ada, bob):
        store.serve(part.author.slug, store.publish(part).version)
    return store, [ada, bob]


@pytest.fixture
def snapshot(many: tuple[ChromaStore, list[IndexPartition]]) -> Snapshot:
    store, _ = many
    return store.open({author: store.serving(author) or "" for author in store.authors()})


def best(parts: list[IndexPartition], vector: Vectors, k: int) -> list[tuple[str, float]]:
    scores: dict[str, float] = {}
    for part in parts:
        for window, score in zip(part.windows, (part.vectors @ vector).tolist(), strict=True):
            scores[window.chunk_id] = max(score, scores.get(window.chunk_id, -2))
    return sorted(scores.items(), key=lambda item: -item[1])[:k]


@pytest.mark.parametrize("k", [1, 10, 150])
@pytest.mark.parametrize("author", [0, 1])
def test_one_author_is_searched_exactly_far_from_the_question_too(
    many: tuple[ChromaStore, list[IndexPartition]], snapshot: Snapshot, author: int, k: int
) -> None:
    _, parts = many
    part = parts[author]
    questions = np.concatenate([-part.vectors[:20], part.vectors[:5], unit_vectors(5, 9)])
    results = snapshot.search(questions, Category.POST, k, part.author.slug)
    for question, hits in zip(questions, results, strict=True):
        expected = best([part], question, k)
        scores = dict(best([part], question, 10_000))
        assert len({hit.chunk.chunk_id for hit in hits}) == k
        for hit, (_, score) in zip(hits, expected, strict=True):  # but for ties in the order
            assert hit.score == pytest.approx(scores[hit.chunk.chunk_id], abs=1e-6)
            assert hit.score == pytest.approx(score, abs=1e-6)


def test_a_search_over_many_rows_of_all_is_nearly_exact_and_its_scores_are(
    many: tuple[ChromaStore, list[IndexPartition]], snapshot: Snapshot
) -> None:
    _, parts = many
    questions = np.concatenate([parts[0].vectors[:25], parts[1].vectors[:25]])
    results = snapshot.search(questions, Category.POST, 10)
    missed = 0
    for question, hits in zip(questions, results, strict=True):
        exact = dict(best(parts, question, 10_000))
        ids = [hit.chunk.chunk_id for hit in hits]
        missed += len(set(list(exact)[:10]) - set(ids))
        assert len(set(ids)) == 10
        assert [hit.score for hit in hits] == pytest.approx([exact[i] for i in ids], abs=1e-6)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert missed <= 5  # of 500


def test_more_chunks_are_found_than_the_graph_leads_to(snapshot: Snapshot) -> None:
    (hits,) = snapshot.search(unit_vectors(1, 5), Category.POST, 2000)
    assert len({hit.chunk.chunk_id for hit in hits}) == 1400


# Rows that go, or are not what they were


def test_the_rows_stand_in_six_collections(tmp_path: Path, chroma_place: str) -> None:
    publish_and_serve(ChromaStore(tmp_path, chroma_place), "ada", 1)
    with ChromaDatabase(tmp_path / "_database", chroma_place, None).session() as client:
        assert {found.name: found.count() for found in client.list_collections()} == {
            "cleaned_articles": 2,
            "cleaned_posts": 2,
            "cleaned_repositories": 2,
            "article_chunks_embedded": 4,
            "post_chunks_embedded": 6,
            "repository_chunks_embedded": 2,
        }


def test_a_forgotten_author_has_no_row_left(tmp_path: Path, chroma_place: str) -> None:
    store = ChromaStore(tmp_path, chroma_place)
    bob = publish_and_serve(store, "bob", 1)
    for seed in (1, 2):
        publish_and_serve(store, "ada", seed)
    store.forget("ada")
    assert kept_rows(tmp_path, chroma_place) == {("bob", bob)}


def test_a_version_that_was_removed_while_it_was_open_gives_no_half_answer(
    tmp_path: Path, chroma_place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ChromaStore(tmp_path, chroma_place)
    old = store.publish(version_of("ada", 1)).version
    asked, new, graph = store.open({"ada": old}), store.open({"ada": old}), store.open({"ada": old})
    assert_answers(asked, version_of("ada", 1))
    publish_and_serve(store, "ada", 2)
    store.prune("ada", 1)
    question = version_of("ada", 1).vectors[:1]
    assert len(asked.search(question, Category.POST, 9, "ada")[0]) == 2
    for author in (None, "ada"):
        with pytest.raises(IndexCorruptedError, match=r"of ada was removed while it was searched"):
            new.search(question, Category.POST, 9, author)
    monkeypatch.setattr("twin_assets.stores.chroma.snapshot._FEW", 0)
    with pytest.raises(IndexCorruptedError, match=r"of ada was removed while it was searched"):
        graph.search(question, Category.POST, 1)
    with pytest.raises(IndexCorruptedError, match=r"of ada was removed while it was searched"):
        graph.document(version_of("ada", 1).chunks[0])


@pytest.mark.parametrize("few", [0, 2000])
def test_a_database_that_was_emptied_is_noticed(
    tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin_assets.stores.chroma.snapshot._FEW", few)
    store = ChromaStore(tmp_path)
    version = publish_and_serve(store, "ada", 1)
    shutil.rmtree(tmp_path / "_database")
    snapshot = store.open({"ada": version})
    assert snapshot.document(version_of("ada", 1).chunks[0]) is None
    with pytest.raises(IndexCorruptedError, match=r"^Chroma's collection post_chunks_\w+ lacks"):
        snapshot.search(unit_vectors(1), Category.POST, 1)


def test_missing_rows_are_noticed(tmp_path: Path, chroma_place: str) -> None:
    store = ChromaStore(tmp_path, chroma_place)
    version = publish_and_serve(store, "ada", 1)
    with ChromaDatabase(tmp_path / "_database", chroma_place, None).session(writes=True) as client:
        collection = collections_of(client)["post_chunks_embedded"]
        collection.delete(ids=collection.get(limit=1)["ids"])
    line = r"^The records of index version \S+ of ada do not match .*`twin build --author ada`"
    for use in (store.verify, store.read):
        with pytest.raises(IndexCorruptedError, match=line):
            use("ada", version)
    snapshot = store.open({"ada": version})
    with pytest.raises(IndexCorruptedError, match=r"^Chroma's collection post_chunks_\w+ lacks"):
        snapshot.search(unit_vectors(1), Category.POST, 1, "ada")


@pytest.mark.parametrize(
    "change", [{"metadatas": [{"title": "Other"}]}, {"embeddings": unit_vectors(1, 7).tolist()}]
)
def test_changed_rows_are_noticed_when_they_are_read(
    tmp_path: Path, chroma_place: str, change: dict[str, Any]
) -> None:
    store = ChromaStore(tmp_path, chroma_place)
    version = publish_and_serve(store, "ada", 1)
    with ChromaDatabase(tmp_path / "_database", chroma_place, None).session(writes=True) as client:
        collection = collections_of(client)["post_chunks_embedded"]
        collection.update(ids=collection.get(limit=1)["ids"], **change)
    with pytest.raises(IndexCorruptedError, match=r"do not match its manifest"):
        store.read("ada", version)
