"""The IVF's files: broken off while they are written, and what is left of a forgotten author."""

from pathlib import Path

import faiss
import pytest
from faults import Step, files_of_at_most, flip
from test_faiss_ivf import CATEGORY, NAME, ada, ada_2, assert_exact, bob, cy, files, publish

from twin_assets.errors import StorageError
from twin_assets.stores.faiss import FaissStore, ivf, ivf_training

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def store(tmp_path: Path) -> FaissStore:
    return FaissStore(tmp_path, exact_below=100)


def test_a_full_disk_leaves_the_ivf_before(store: FaissStore, tmp_path: Path) -> None:
    served = publish(store, ada, bob)
    before = store.build_ivf(served)[CATEGORY]
    with (
        files_of_at_most(4096),
        pytest.raises(StorageError, match=r"cannot be written: .*") as error,
    ):
        store.build_ivf(served)
    assert "\n" not in str(error.value)
    assert ivf.IvfFolder(tmp_path / "_ivf").record(CATEGORY) == before
    assert files(tmp_path) == [before.file, f"{NAME}.json"]
    assert_exact(store.open(served), [ada, bob])


STEPS = {
    "write the index": Step(faiss, "write_index"),
    "rename the index": Step(Path, "replace", 1),
    "digest the index": Step(ivf, "file_digest"),
    "write the record": Step(Path, "write_bytes"),
    "rename the record": Step(Path, "replace", 2),
    "remove the index before": Step(Path, "unlink", 3),
}


@pytest.mark.usefixtures("every_list")
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_build_broken_off_at_any_step_leaves_one_that_answers(
    store: FaissStore, tmp_path: Path, step: Step
) -> None:
    before = store.build_ivf(publish(store, ada, bob))[CATEGORY]
    served = publish(store, ada_2, bob, cy)

    def throw() -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step.owner, step.name, step.faulty(throw))
        with pytest.raises(KeyboardInterrupt):
            store.build_ivf(served)
    now = ivf.IvfFolder(tmp_path / "_ivf").record(CATEGORY)
    assert now is not None
    assert (now == before) == (step is not STEPS["remove the index before"])
    snapshot = FaissStore(tmp_path, exact_below=100).open(served)
    assert snapshot.faults == ()
    assert_exact(snapshot, [ada_2, bob, cy])
    after = store.build_ivf(served)[CATEGORY]
    assert files(tmp_path) == [after.file, f"{NAME}.json"]


def test_what_a_killed_build_left_goes_with_the_next(store: FaissStore, tmp_path: Path) -> None:
    served = publish(store, ada, bob)
    before = store.build_ivf(served)[CATEGORY]
    snapshot = store.open(served)
    for name in (f"{NAME}.20200101T000000.000000Z.faiss", f".{NAME}.json.77.tmp"):
        (tmp_path / "_ivf" / name).write_bytes(b"left behind")
    after = store.build_ivf(served)[CATEGORY]
    assert after.file != before.file
    assert files(tmp_path) == [after.file, f"{NAME}.json"]
    assert snapshot.ivf_recall(CATEGORY) == store.open(served).ivf_recall(CATEGORY)


def held_rows(root: Path) -> tuple[set[str], int]:
    record = ivf.IvfFolder(root / "_ivf").record(CATEGORY)
    assert record is not None
    return set(record.authors), faiss.read_index(str(root / "_ivf" / record.file)).ntotal


@pytest.mark.usefixtures("every_list")
@pytest.mark.parametrize("eight_bit", [False, True])
def test_a_forgotten_author_leaves_the_ivf_and_the_others_stay(
    store: FaissStore, tmp_path: Path, eight_bit: bool
) -> None:
    served = publish(store, ada, bob, cy)
    store.build_ivf(served, eight_bit=eight_bit)
    assert store.traces("bob") > 120
    for _ in range(2):
        store.forget("bob")
        assert store.traces("bob") == 0
        assert held_rows(tmp_path) == ({"ada", "cy"}, 240)
        assert len(files(tmp_path)) == 2
    del served["bob"]
    snapshot = store.open(served)
    assert snapshot.ivf_recall(CATEGORY) == 1
    assert_exact(snapshot, [ada, cy])


def test_forgetting_an_author_removes_an_ivf_that_cannot_be_read(
    store: FaissStore, tmp_path: Path
) -> None:
    record = store.build_ivf(publish(store, ada, bob))[CATEGORY]
    flip(tmp_path / "_ivf" / record.file)
    store.forget("bob")
    assert files(tmp_path) == []


def test_an_ivf_whose_record_cannot_be_read_may_hold_anybody(
    store: FaissStore, tmp_path: Path
) -> None:
    store.build_ivf(publish(store, ada, bob))
    assert store.traces("eve") == 0
    (tmp_path / "_ivf" / f"{NAME}.json").write_text("{")
    assert store.traces("eve") == 1
    store.forget("bob")
    assert files(tmp_path) == []
    assert store.traces("bob") == 0


def test_forgetting_everyone_leaves_no_vector(store: FaissStore, tmp_path: Path) -> None:
    store.build_ivf(publish(store, ada, bob))
    store.forget("ada")
    store.forget("bob")
    assert files(tmp_path) == []


def test_an_author_forgotten_during_a_build_does_not_come_back(
    store: FaissStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = publish(store, ada, bob, cy)

    def forget_meanwhile(*args, **options):
        FaissStore(tmp_path).forget("bob")
        return ivf_training.train(*args, **options)

    monkeypatch.setattr(ivf, "train", forget_meanwhile)
    store.build_ivf(served)
    assert held_rows(tmp_path) == ({"ada", "cy"}, 240)
