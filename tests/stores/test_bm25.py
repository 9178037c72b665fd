"""BM25: compared with bm25s, the reference, over any set of authors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bm25s
import numpy as np
import pytest
from builders import ADA, partition
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from twin_assets.documents import Author, Category, Chunk
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import IndexPartition, VectorStore
from twin_assets.stores.bm25 import K1, B, Bm25Index
from twin_assets.stores.bm25.files import TERMS, Bm25Version
from twin_assets.stores.faiss import FaissStore
from twin_assets.words import words

BOB = Author("bob", "Bob")
VOCABULARY = ("rye", "wheat", "salt", "oven", "crumb", "water", "stone", "yeast", "ash", "bran")


def written(author: Author, texts: Sequence[str], category: Category) -> IndexPartition:
    """Return a partition whose chunks hold the texts, without titles."""
    made = partition(author, [(category, 1)] * len(texts))
    windows = [replace(w, text=text) for w, text in zip(made.windows, texts, strict=True)]
    return replace(made, windows=windows)


def opened(folder: Path, *parts: IndexPartition) -> Bm25Index:
    store = FaissStore(folder)
    versions = []
    for part in parts:
        manifest = store.publish(part)
        version = folder / part.author.slug / "versions" / manifest.version
        versions.append(Bm25Version(version, manifest))
    return Bm25Index(versions)


def reference(texts: Sequence[str], question: str) -> np.ndarray:
    """Return what bm25s scores."""
    retriever = bm25s.BM25(method="lucene", k1=K1, b=B)
    retriever.index([words(text) for text in texts], show_progress=False)
    known = [word for word in words(question) if word in retriever.vocab_dict]
    return retriever.get_scores(known) if known else np.zeros(len(texts))


def scores_of(index: Bm25Index, question: str, chunks: Sequence[Chunk], author: str | None) -> list:
    found = index.scores(question, author)
    return [found.of(chunk.author, chunk.chunk_id) for chunk in chunks]


TEXTS = st.lists(
    st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=12).map(" ".join),
    min_size=1,
    max_size=8,
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(ada=TEXTS, bob=TEXTS, question=st.lists(st.sampled_from(VOCABULARY), max_size=6))
def test_scores_are_those_of_bm25s_with_the_statistics_of_who_is_asked(
    tmp_path_factory: pytest.TempPathFactory, ada: list[str], bob: list[str], question: list[str]
) -> None:
    asked = " ".join(question)
    parts = [written(ADA, ada, Category.POST), written(BOB, bob, Category.POST)]
    index = opened(tmp_path_factory.mktemp("bm25"), *parts)
    for author, texts, chunks in (
        ("ada", ada, parts[0].chunks),
        ("bob", bob, parts[1].chunks),
        (None, [*ada, *bob], [*parts[0].chunks, *parts[1].chunks]),
    ):
        mine = scores_of(index, asked, chunks, author)
        assert mine == pytest.approx(reference(texts, asked), rel=1e-5, abs=1e-6)


def test_the_best_of_a_category_come_first_with_what_leads_to_them(tmp_path: Path) -> None:
    texts = ["salt", "rye rye salt", "oven", "rye salt salt salt salt"]
    part = written(ADA, texts, Category.ARTICLE)
    found = opened(tmp_path, part).scores("Rye?").best(Category.ARTICLE, 9)
    assert [match.row for match in found] == [1, 3]
    assert [match.chunk_id for match in found] == [part.chunks[row].chunk_id for row in (1, 3)]
    assert found[0].score > found[1].score > 0
    assert found[0].window_ids == (part.windows[1].window_id,)
    assert found[0].author == "ada"
    index = opened(tmp_path, part)
    assert index.scores("rye").best(Category.POST, 9) == []
    assert [match.row for match in index.scores("rye").best(Category.ARTICLE, 1)] == [1]


def test_a_long_chunk_of_one_category_is_not_held_against_another_s(tmp_path: Path) -> None:
    made = partition(ADA, [(Category.POST, 1), (Category.REPOSITORY, 1), (Category.REPOSITORY, 1)])
    texts = ["rye salt", *["rye " + "stone " * 500] * 2]
    windows = [replace(w, text=text) for w, text in zip(made.windows, texts, strict=True)]
    index = opened(tmp_path, replace(made, windows=windows))
    post, long, _ = scores_of(index, "rye", made.chunks, None)
    assert long == pytest.approx(post)


def test_a_chunk_scores_what_its_best_window_does(tmp_path: Path) -> None:
    """All of the words in one window beat the same words scattered over the chunk."""
    made = partition(ADA, [(Category.ARTICLE, 3), (Category.ARTICLE, 3)])
    texts = ["rye", "salt", "oven", "stone", "rye salt oven", "stone"]
    windows = [replace(w, text=text) for w, text in zip(made.windows, texts, strict=True)]
    index = opened(tmp_path, replace(made, windows=windows))
    scattered, together = scores_of(index, "rye salt oven", made.chunks, "ada")
    assert together == pytest.approx(max(reference(texts, "rye salt oven")), rel=1e-5)
    assert scattered < together


def test_a_title_counts(tmp_path: Path) -> None:
    part = written(ADA, ["oven", "oven"], Category.POST)
    chunks = [replace(part.chunks[0], title="On rye"), part.chunks[1]]
    index = opened(tmp_path, replace(part, chunks=chunks))
    with_title, without = scores_of(index, "rye", chunks, "ada")
    assert with_title > without == 0


def test_nobody_nothing_and_no_question(tmp_path: Path) -> None:
    part = written(ADA, ["rye"], Category.POST)
    empty = partition(BOB, [])
    index = opened(tmp_path, part, empty)
    for question, author in (("", None), ("?!", "ada"), ("rye", "bob"), ("rye", "nobody")):
        assert index.scores(question, author).best(Category.POST, 3) == []
    assert len(index.scores("rye").best(Category.POST, 3)) == 1
    assert Bm25Index([]).scores("rye").best(Category.POST, 3) == []
    assert index.scores("rye", "ada").of("ada", "no such chunk") == 0


def test_a_version_of_before_is_said_and_searched_by_vectors(tmp_path: Path) -> None:
    part = written(ADA, ["rye"], Category.POST)
    store = FaissStore(tmp_path)
    manifest = store.publish(part)
    folder = tmp_path / "ada" / "versions" / manifest.version
    old = replace(manifest, files={n: d for n, d in manifest.files.items() if "bm25" not in n})
    index = Bm25Index([Bm25Version(folder, old)])
    assert index.faults == (
        "The index of ada was built before words were indexed, so it is searched by vectors alone. "
        "Run `twin build --author ada`.",
    )
    assert index.scores("rye").best(Category.POST, 3) == []


def test_a_file_of_something_else_is_one_line(tmp_path: Path) -> None:
    part = written(ADA, ["rye"], Category.POST)
    manifest = FaissStore(tmp_path).publish(part)
    folder = tmp_path / "ada" / "versions" / manifest.version
    (folder / TERMS).write_bytes(b"no words")
    index = Bm25Index([Bm25Version(folder, manifest)])
    with pytest.raises(IndexCorruptedError, match="twin build --author ada") as caught:
        index.scores("rye")
    assert "\n" not in str(caught.value)


def test_matched_chunks_are_compared_in_every_store(store: VectorStore) -> None:
    part = partition(ADA, [(Category.ARTICLE, 3), (Category.POST, 2), (Category.ARTICLE, 4)])
    other = partition(BOB, [(Category.ARTICLE, 2)] * 3, seed=1)
    for made in (part, other):
        store.serve(made.author.slug, store.publish(made).version)
    snapshot = store.open({name: store.serving(name) or "" for name in ("ada", "bob")})
    matches = snapshot.bm25.scores("a d b o").best(Category.ARTICLE, 4)
    assert {match.author for match in matches} == {"ada", "bob"}
    vectors = part.vectors[:2]
    for vector, hits in zip(
        vectors, snapshot.compare(vectors, Category.ARTICLE, matches), strict=True
    ):
        assert [hit.chunk.chunk_id for hit in hits] == [match.chunk_id for match in matches]
        (everything,) = snapshot.search(vector[None], Category.ARTICLE, 9)
        known = {hit.chunk.chunk_id: hit for hit in everything}
        for hit in hits:
            same = known[hit.chunk.chunk_id]
            assert hit.chunk == same.chunk
            assert hit.score == pytest.approx(same.score, abs=1e-6)
            assert (hit.window_start, hit.window_end) == (same.window_start, same.window_end)
    assert snapshot.compare(vectors, Category.POST, []) == [[], []]


def test_a_sample_is_spread_evenly_over_the_authors(tmp_path: Path) -> None:
    mix = [(Category.POST, 1)] * 30 + [(Category.ARTICLE, 2)] * 30
    index = opened(tmp_path, partition(ADA, mix, seed=1), partition(BOB, mix[:30], seed=2))
    assert index.sizes == {Category.ARTICLE: 30, Category.POST: 60, Category.REPOSITORY: 0}
    found = index.sample(9)
    assert [(of, match.author, match.row) for of, match in found] == [
        *((Category.POST, "ada", row) for row in (0, 10, 20)),
        *((Category.ARTICLE, "ada", row) for row in (30, 40, 50)),
        *((Category.POST, "bob", row) for row in (0, 10, 20)),
    ]
    assert len({match.chunk_id for _, match in index.sample(500)}) == 90
    assert Bm25Index([]).sample(9) == []


def test_chunks_are_found_by_their_ids(tmp_path: Path) -> None:
    ada, bob = partition(ADA, [(Category.POST, 3)] * 4), partition(BOB, [(Category.ARTICLE, 1)])
    index = opened(tmp_path, ada, bob)
    wanted = {ada.chunks[2].chunk_id, bob.chunks[0].chunk_id, "unknown"}
    found = index.find(wanted)
    assert {(of, match.author, match.row) for of, match in found} == {
        (Category.POST, "ada", 2),
        (Category.ARTICLE, "bob", 0),
    }
    assert {match.chunk_id for _, match in found} == wanted - {"unknown"}
    assert len(found[0][1].window_ids) == 3
    assert index.find([]) == []
