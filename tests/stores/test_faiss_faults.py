"""FAISS's files on a full disk, cut off, or with a bit flipped."""

from collections.abc import Callable
from pathlib import Path

import pytest
from faiss_publishing import make_store
from faults import files_of_at_most, flip
from publishing import assert_answers, assert_serves, publish_and_serve, seed_of, version_of

from twin_assets.errors import IndexCorruptedError, StorageError
from twin_assets.stores.faiss import FaissStore

LARGE = 30  # times; its files are of 1 to 50 KB


@pytest.mark.parametrize("most", [0, 600, 2_000, 4_000, 8_000, 16_000])
def test_a_full_disk(tmp_path: Path, most: int) -> None:
    before = publish_and_serve(FaissStore(tmp_path), "ada", 1)
    with (
        files_of_at_most(most),
        pytest.raises(StorageError, match=r"of ada cannot be written: .*free space") as caught,
    ):
        FaissStore(tmp_path).publish(version_of("ada", 2, LARGE))
    assert "\n" not in str(caught.value)
    assert_serves(FaissStore(tmp_path), before)
    after = publish_and_serve(FaissStore(tmp_path), "ada", 3)
    assert {path.name for path in (tmp_path / "ada" / "versions").iterdir()} == {before, after}
    assert_serves(FaissStore(tmp_path), after)


def test_a_disk_that_is_full_when_the_pointer_moves(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    before = publish_and_serve(store, "ada", 1)
    after = store.publish(version_of("ada", 2)).version
    with (
        files_of_at_most(50),
        pytest.raises(StorageError, match=r"^The serving pointer of ada cannot be moved: "),
    ):
        store.serve("ada", after)
    assert_serves(FaissStore(tmp_path), before)
    store.serve("ada", after)
    assert_serves(FaissStore(tmp_path), after)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [cut, flip])
def test_damage_to_any_file_is_one_line_and_the_version_before_answers(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    before, after = (publish_and_serve(FaissStore(tmp_path), "ada", seed) for seed in (1, 2))
    folder = tmp_path / "ada" / "versions" / after
    names = {path.name for path in folder.iterdir()} - {".verified.json"}
    assert len(names) == 14
    for name in names:
        path = tmp_path / "ada" / "versions" / after / name
        whole = path.read_bytes()
        damage(path)
        store = FaissStore(tmp_path)
        for use in (
            lambda store=store: store.open({"ada": after}),
            lambda store=store: store.verify("ada", after),
            lambda store=store: store.verify_once("ada", after),
            lambda store=store: store.read("ada", after),
        ):
            with pytest.raises(IndexCorruptedError, match="`twin build --author ada`") as caught:
                use()
            assert "\n" not in str(caught.value)
        assert_answers(store.open({"ada": before}), version_of("ada", 1))
        path.write_bytes(whole)
    assert_serves(FaissStore(tmp_path), after)


@pytest.mark.parametrize("name", ["manifest", "pointer"])
def test_a_bit_of_a_manifest_or_pointer_never_makes_a_wrong_answer(
    tmp_path: Path, name: str
) -> None:
    """Neither has a checksum: a flipped bit is noticed, or changes nothing that is answered."""
    for seed in (1, 2):
        version = publish_and_serve(FaissStore(tmp_path), "ada", seed)
    folder = tmp_path / "ada"
    path = {
        "manifest": folder / "versions" / version / "manifest.json",
        "pointer": folder / "serving.json",
    }[name]
    whole, noticed = path.read_bytes(), 0
    slug = whole.find(b'"ada"') + 1
    for at in (slug, *range(0, len(whole), 1 + len(whole) // 60)):
        flip(path, at)
        store = make_store(tmp_path, "")
        served = store.serving("ada")
        if served is None:
            noticed += 1
        else:
            try:
                snapshot = store.open({"ada": served})
            except IndexCorruptedError as error:
                assert "\n" not in str(error)
                noticed += 1
            else:
                assert_answers(snapshot, version_of("ada", seed_of(served)))
        path.write_bytes(whole)
    assert noticed > 20


@pytest.mark.parametrize(
    "pointer",
    [
        '{"moves": []}',
        '{"moves": [["yesterday", "VERSION"]]}',
        '{"moves": [["2026-01-01T00:00:00", "VERSION"]]}',
    ],
    ids=["no moves", "no time", "a time of no zone"],
)
def test_a_pointer_that_says_nothing_certain_points_nowhere(tmp_path: Path, pointer: str) -> None:
    store = FaissStore(tmp_path)
    version = publish_and_serve(store, "ada", 1)
    (tmp_path / "ada" / "serving.json").write_text(pointer.replace("VERSION", version))
    assert store.serving("ada") is None
    store.serve("ada", version)
    assert_serves(store, version)
