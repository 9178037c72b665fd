import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from builders import ADA, partition
from test_backends import ARTICLES, BOB, assert_same, brute_force

from twin_assets.documents import Category
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import IndexPartition, versions
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.manifest import file_digest

DESCRIPTORS = Path("/proc/self/fd")
ROWS = "article_chunks_embedded.rows.npy"


@pytest.fixture
def store(tmp_path: Path) -> FaissStore:
    return FaissStore(tmp_path)


def forge(root: Path, author: str, version: str, name: str, content: bytes) -> None:
    """Replace a file and its checksum, so that only reading it can show what is wrong."""
    folder = root / author / "versions" / version
    (folder / name).write_bytes(content)
    record = json.loads((folder / "manifest.json").read_text())
    record["files"][name] = file_digest(folder / name)
    (folder / "manifest.json").write_text(json.dumps(record))


def array_bytes(path: Path, array: np.ndarray) -> bytes:
    np.save(path, array)
    return path.with_suffix(".npy").read_bytes()


@pytest.mark.parametrize("name", ["chunks.arrow", "documents.arrow"])
def test_texts_are_read_only_when_one_is_found(
    name: str, store: FaissStore, tmp_path: Path
) -> None:
    ada, bob = partition(ADA, ARTICLES, seed=1), partition(BOB, ARTICLES, seed=2)
    served = {part.author.slug: store.publish(part).version for part in (ada, bob)}
    forge(tmp_path, "bob", served["bob"], name, b"not Arrow")
    snapshot = store.open(served)
    (hits,) = snapshot.search(ada.vectors[:1], Category.ARTICLE, 1)
    assert_same(hits, brute_force([ada], ada.vectors[0], Category.ARTICLE, 1))
    assert snapshot.document(hits[0].chunk) in ada.documents
    with pytest.raises(IndexCorruptedError, match=rf"{name} cannot be read.*--author bob") as error:
        snapshot.document(snapshot.search(bob.vectors[:1], Category.ARTICLE, 1)[0][0].chunk)
    assert "\n" not in str(error.value)


def test_rows_of_another_class_are_no_chunks(store: FaissStore, tmp_path: Path) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    documents = tmp_path / "ada" / "versions" / version / "documents.arrow"
    forge(tmp_path, "ada", version, "chunks.arrow", documents.read_bytes())
    with pytest.raises(IndexCorruptedError, match=r"chunks\.arrow cannot be read"):
        store.open({"ada": version}).search(partition().vectors, Category.ARTICLE, 1)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((11, 3), np.int32),
        np.zeros((12, 2), np.int32),
        np.zeros((12, 3), np.int64),
        np.zeros((12, 3), np.int32, order="F"),
    ],
    ids=["a row short", "a column short", "another type", "another order"],
)
def test_a_row_file_of_another_shape(store: FaissStore, tmp_path: Path, array: np.ndarray) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    forge(tmp_path, "ada", version, ROWS, array_bytes(tmp_path / "array", array))
    with pytest.raises(IndexCorruptedError, match=r"rows\.npy cannot be read: it holds") as error:
        store.open({"ada": version})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("cut", [-1, 100, 3, 0])
def test_a_row_file_cut_short(store: FaissStore, tmp_path: Path, cut: int) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    content = (tmp_path / "ada" / "versions" / version / ROWS).read_bytes()
    forge(tmp_path, "ada", version, ROWS, content[:cut])
    with pytest.raises(IndexCorruptedError, match=r"rows\.npy cannot be read: .*--author ada"):
        store.open({"ada": version})


@pytest.mark.parametrize("place", [99, -1])
def test_a_row_that_names_no_chunk(store: FaissStore, tmp_path: Path, place: int) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    rows = np.full((12, 3), place, np.int32)
    forge(tmp_path, "ada", version, ROWS, array_bytes(tmp_path / "array", rows))
    with pytest.raises(IndexCorruptedError, match=r"chunks\.arrow cannot be read"):
        store.open({"ada": version}).search(partition().vectors, Category.ARTICLE, 1)


@pytest.fixture
def digested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose checksums were computed."""
    names: list[str] = []

    def digest(path: Path) -> str:
        names.append(path.name)
        return file_digest(path)

    monkeypatch.setattr(versions, "file_digest", digest)
    return names


def test_checksums_are_computed_once_and_again_when_a_file_was_replaced(
    store: FaissStore, tmp_path: Path, digested: list[str]
) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    store.verify("ada", version)
    store.open({"ada": version})
    store.open({"ada": version})
    store.read("ada", version)
    assert len(digested) == len(set(digested)) == 7

    path = tmp_path / "ada" / "versions" / version / "chunks.arrow"
    replacement = tmp_path / "replacement"
    replacement.write_bytes(path.read_bytes()[:-1] + b"?")
    replacement.replace(path)
    with pytest.raises(IndexCorruptedError, match=r"^chunks\.arrow .* does not match"):
        store.open({"ada": version})


def test_what_a_process_verified_is_not_read_by_the_next(
    store: FaissStore, tmp_path: Path, digested: list[str]
) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    FaissStore(tmp_path).verify_once("ada", version)
    assert digested == []  # the checksums were made of the files as they stand

    path = tmp_path / "ada" / "versions" / version / "chunks.arrow"
    path.touch()
    FaissStore(tmp_path).verify_once("ada", version)
    assert len(digested) == 7
    FaissStore(tmp_path).verify_once("ada", version)
    assert len(digested) == 7
    FaissStore(tmp_path).verify("ada", version)  # as a server does when it starts
    assert len(digested) == 14


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_what_was_touched_since_is_found_though_it_was_made_to_look_the_same(
    store: FaissStore, tmp_path: Path, damage: str
) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    path = tmp_path / "ada" / "versions" / version / "chunks.arrow"
    before = path.stat()
    if damage == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        path.unlink()
    for _ in range(2):
        with pytest.raises(IndexCorruptedError, match=r"^chunks\.arrow .* does not match"):
            FaissStore(tmp_path).verify_once("ada", version)


def test_without_a_record_everything_is_read(
    store: FaissStore, tmp_path: Path, digested: list[str]
) -> None:
    version = store.publish(partition(ADA, ARTICLES)).version
    record = tmp_path / "ada" / "versions" / version / ".verified.json"
    for written in (None, b"{", b"[]"):
        record.unlink() if written is None else record.write_bytes(written)
        digested.clear()
        FaissStore(tmp_path).verify_once("ada", version)
        assert len(digested) == 7


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="the system does not list descriptors")
def test_an_open_version_holds_no_descriptor(store: FaissStore) -> None:
    part = partition(ADA, ARTICLES)
    served = {"ada": store.publish(part).version}
    before = names_of_open_files()
    snapshot = store.open(served)
    snapshot.search(part.vectors, Category.ARTICLE, 4)
    assert names_of_open_files() <= before  # what other tests left open may be closed meanwhile


def names_of_open_files() -> set[str]:
    names = set()
    for descriptor in DESCRIPTORS.iterdir():
        with suppress(OSError):  # the one that lists them is closed by now
            names.add(str(descriptor.readlink()))
    return names


def test_a_snapshot_answers_after_its_version_was_pruned(store: FaissStore, tmp_path: Path) -> None:
    old = partition(ADA, ARTICLES, seed=1)
    version = store.publish(old).version
    snapshot = store.open({"ada": version})
    store.serve("ada", store.publish(partition(ADA, ARTICLES, seed=2)).version)
    assert store.prune("ada", 1) == [version]
    assert_all_found(snapshot, old)


def assert_all_found(snapshot, part: IndexPartition) -> None:
    for vector in part.vectors:
        (hits,) = snapshot.search(vector[None], Category.ARTICLE, 4)
        assert_same(hits, brute_force([part], vector, Category.ARTICLE, 4))
        assert all(snapshot.document(hit.chunk) in part.documents for hit in hits)
