import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import ADA, MODEL, partition, unit_vectors
from publishing import assert_answers, assert_serves, publish_and_serve, version_of
from qdrant_client import QdrantClient
from qdrant_publishing import connect, kept_rows
from qdrant_servers import StandIn

from twin_assets.documents import Category
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores.qdrant import QdrantStore
from twin_assets.stores.records import DOCUMENTS

POSTS = "post_chunks_embedded"
COUNTS = {
    "cleaned_articles": 2,
    "cleaned_posts": 2,
    "cleaned_repositories": 2,
    "article_chunks_embedded": 4,
    "post_chunks_embedded": 6,
    "repository_chunks_embedded": 2,
}


# What is stored


def test_the_rows_stand_in_six_collections(tmp_path: Path, qdrant_place: str) -> None:
    publish_and_serve(QdrantStore(tmp_path, qdrant_place), "ada", 1)
    with closing(connect(tmp_path, qdrant_place)) as client:
        names = {found.name for found in client.get_collections().collections}
        assert {name: client.count(name).count for name in names} == COUNTS
        for name in names:
            has_vectors = bool(client.get_collection(name).config.params.vectors)
            assert has_vectors == (name not in DOCUMENTS.values())


def test_a_server_s_collections_are_indexed_and_one_author_is_searched_exactly(
    tmp_path: Path, qdrant_stand_in: StandIn
) -> None:
    store = QdrantStore(tmp_path, qdrant_stand_in.url)
    served = {slug: publish_and_serve(store, slug, 1) for slug in ("ada", "bob")}
    fields = {"author", "category", "version"}
    assert qdrant_stand_in.indexes == dict.fromkeys(COUNTS, fields)
    snapshot = store.open(served)
    snapshot.search(unit_vectors(2), Category.POST, 1, "ada")
    assert qdrant_stand_in.searches == [({"author", "version"}, True)] * 2
    qdrant_stand_in.searches.clear()
    snapshot.search(unit_vectors(1), Category.POST, 1)
    assert qdrant_stand_in.searches == [({"version"}, False)]


def test_questions_are_asked_in_one_request(tmp_path: Path, qdrant_stand_in: StandIn) -> None:
    store = QdrantStore(tmp_path, qdrant_stand_in.url)
    snapshot = store.open({"ada": publish_and_serve(store, "ada", 1)})
    qdrant_stand_in.requests.clear()
    assert len(snapshot.search(unit_vectors(30), Category.POST, 1, "ada")) == 30
    assert qdrant_stand_in.requests == [f"POST /collections/{POSTS}/points/query/batch"]


@pytest.mark.parametrize(("bound", "value"), [("POINTS", 2), ("CHARACTERS", 50)])
def test_rows_are_written_in_bounded_batches(
    tmp_path: Path,
    qdrant_stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    value: int,
) -> None:
    monkeypatch.setattr(f"twin_assets.stores.qdrant.rows._BATCH_{bound}", value)
    version = publish_and_serve(QdrantStore(tmp_path, qdrant_stand_in.url), "ada", 1)
    writes = [line for line in qdrant_stand_in.requests if line.startswith("PUT")]
    assert sum(f"/{POSTS}/points?" in line for line in writes) == 3
    assert_serves(QdrantStore(tmp_path, qdrant_stand_in.url), version)


def test_a_collection_that_another_process_makes_first_is_used(
    tmp_path: Path, qdrant_stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = QdrantClient.create_collection

    def create_twice(client: QdrantClient, name: str, **options: Any) -> bool:
        create(client, name, **options)
        return create(client, name, **options)

    monkeypatch.setattr(QdrantClient, "create_collection", create_twice)
    version = publish_and_serve(QdrantStore(tmp_path, qdrant_stand_in.url), "ada", 1)
    assert_serves(QdrantStore(tmp_path, qdrant_stand_in.url), version)


def test_another_dimension_is_refused_and_what_was_there_stays(
    tmp_path: Path, qdrant_place: str
) -> None:
    store = QdrantStore(tmp_path, qdrant_place)
    version = publish_and_serve(store, "ada", 1)
    wide = partition(ADA, [(Category.POST, 2)], model=replace(MODEL, dimension=16))
    line = r"^The collection article_\w+ holds vectors of 8 dimensions, and these have 16: .*"
    with pytest.raises(IndexCorruptedError, match=line):
        store.publish(wide)
    assert_serves(QdrantStore(tmp_path, qdrant_place), version)


# Rows that go, or are not what they were


def test_a_forgotten_author_has_no_row_left(tmp_path: Path, qdrant_place: str) -> None:
    store = QdrantStore(tmp_path, qdrant_place)
    bob = publish_and_serve(store, "bob", 1)
    for seed in (1, 2):
        publish_and_serve(store, "ada", seed)
    in_folder = len([tmp_path / "ada", *(tmp_path / "ada").rglob("*")])
    assert store.traces("ada") == in_folder + 2 * sum(COUNTS.values())
    store.forget("ada")
    assert store.traces("ada") == 0
    assert kept_rows(tmp_path, qdrant_place) == {("bob", bob)}


def test_a_version_that_was_removed_while_it_was_open_gives_no_half_answer(
    tmp_path: Path, qdrant_place: str
) -> None:
    store = QdrantStore(tmp_path, qdrant_place)
    part = version_of("ada", 1)
    snapshot = store.open({"ada": store.publish(part).version})
    publish_and_serve(store, "ada", 2)
    store.prune("ada", 1)
    if not qdrant_place:  # the snapshot has a copy
        assert_answers(snapshot, part)
        return
    for author in (None, "ada"):
        with pytest.raises(IndexCorruptedError, match=r"of ada was removed while it was searched"):
            snapshot.search(part.vectors[:1], Category.POST, 9, author)
    with pytest.raises(IndexCorruptedError, match=r"of ada was removed while it was searched"):
        snapshot.document(part.chunks[0])


@pytest.mark.parametrize("collection", [POSTS, "cleaned_posts"])
def test_missing_rows_are_noticed(tmp_path: Path, qdrant_place: str, collection: str) -> None:
    version = publish_and_serve(QdrantStore(tmp_path, qdrant_place), "ada", 1)
    publish_and_serve(QdrantStore(tmp_path, qdrant_place), "bob", 1)
    with closing(connect(tmp_path, qdrant_place)) as client:
        points, _ = client.scroll(collection, limit=100)
        mine = [point.id for point in points if point.payload["author"] == "ada"]
        client.delete(collection, mine[:1])
    store = QdrantStore(tmp_path, qdrant_place)
    line = r"^The records of index version \S+ of ada do not match .*`twin build --author a"
    for use in (
        lambda: store.verify("ada", version),
        lambda: store.read("ada", version),
        lambda: store.open({a: store.serving(a) or "" for a in ("ada", "bob")}),
    ):
        with pytest.raises(IndexCorruptedError, match=line):
            use()


def test_rows_that_go_after_they_were_counted_are_noticed(
    tmp_path: Path, qdrant_stand_in: StandIn
) -> None:
    store = QdrantStore(tmp_path, qdrant_stand_in.url)
    version = publish_and_serve(store, "ada", 1)
    store.verify("ada", version)
    snapshot = store.open({"ada": version})
    qdrant_stand_in.remove_point(POSTS)
    for author in (None, "ada"):
        with pytest.raises(IndexCorruptedError, match=r"^Qdrant's collection post_chunks_\w+ lack"):
            snapshot.search(unit_vectors(1), Category.POST, 9, author)
    for use in (lambda: store.open({"ada": version}), lambda: store.verify("ada", version)):
        with pytest.raises(IndexCorruptedError, match=r"do not match its manifest"):
            use()


def test_changed_rows_are_noticed_when_they_are_read(tmp_path: Path, qdrant_place: str) -> None:
    version = publish_and_serve(QdrantStore(tmp_path, qdrant_place), "ada", 1)
    with closing(connect(tmp_path, qdrant_place)) as client:
        (point,), _ = client.scroll("cleaned_posts", limit=1)
        client.set_payload("cleaned_posts", {"title": "Other"}, [point.id])
    store = QdrantStore(tmp_path, qdrant_place)
    store.verify("ada", version)
    with pytest.raises(IndexCorruptedError, match=r"do not match its manifest"):
        store.read("ada", version)


# The local mode's copies


def test_a_snapshot_leaves_no_copy_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    store = QdrantStore(tmp_path / "index")
    snapshot = store.open({"ada": publish_and_serve(store, "ada", 1)})
    assert list((tmp_path / "temporary").iterdir()) == []
    assert_answers(snapshot, version_of("ada", 1))


def test_a_copy_is_kept_until_something_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = QdrantStore(tmp_path)
    version = publish_and_serve(store, "ada", 1)
    store.verify("ada", version)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no such folder"))
    assert_answers(store.open({"ada": version}), version_of("ada", 1))


def test_a_process_with_an_open_snapshot_ends_quietly(tmp_path: Path, qdrant_place: str) -> None:
    program = (
        "import sys; from pathlib import Path; from twin_assets.stores.qdrant import QdrantStore\n"
        "store = QdrantStore(Path(sys.argv[1]), sys.argv[2])\n"
        "assert 'qdrant_client' not in sys.modules\n"
        "snapshot = store.open({'ada': store.serving('ada')})\n"
        "assert 'qdrant_client' in sys.modules and 'torch' not in sys.modules\n"
    )
    publish_and_serve(QdrantStore(tmp_path, qdrant_place), "ada", 1)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path), qdrant_place],
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")
