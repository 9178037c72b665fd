"""The IVF over all authors: which rows answer when it is old, damaged, or being replaced."""

from pathlib import Path

import numpy as np
import pytest
from builders import ADA, partition, unit_vectors
from test_backends import BOB, CY, EVE, assert_same, brute_force

from twin_assets.documents import Author, Category
from twin_assets.stores import IndexPartition
from twin_assets.stores.faiss import FaissStore, ivf
from twin_assets.stores.faiss.exact import sample_questions
from twin_assets.stores.faiss.snapshot import _RECALL_SEED
from twin_assets.stores.manifest import file_digest

CATEGORY = Category.ARTICLE
NAME = "article_chunks_embedded"


def of(author: Author, seed: int) -> IndexPartition:
    shape = [(CATEGORY, 1 + number % 3) for number in range(60)] + [(Category.POST, 1)] * 5
    return partition(author, shape, seed=seed)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def store(tmp_path: Path) -> FaissStore:
    return FaissStore(tmp_path, exact_below=100)


def publish(store: FaissStore, *parts: IndexPartition) -> dict[str, str]:
    served = {part.author.slug: store.publish(part).version for part in parts}
    for author, version in served.items():
        store.serve(author, version)
    return served


def assert_exact(snapshot, parts: list[IndexPartition], k: int = 5) -> None:
    for vector in unit_vectors(20, seed=99):
        (hits,) = snapshot.search(vector[None], CATEGORY, k)
        assert_same(hits, brute_force(parts, vector, CATEGORY, k))


def files(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "_ivf").iterdir() if path.name != ".lock")


ada, ada_2, bob, cy, eve = of(ADA, 1), of(ADA, 5), of(BOB, 2), of(CY, 3), of(EVE, 4)


@pytest.mark.usefixtures("every_list")
@pytest.mark.parametrize("eight_bit", [False, True])
@pytest.mark.parametrize(
    "now",
    [[ada, bob, cy], [ada_2, bob, cy], [ada, cy], [cy, eve, ada, bob], [ada_2, eve, cy], [eve]],
    ids=["as built", "another version", "one left", "one more", "all of it", "nobody it holds"],
)
def test_what_answers_is_what_is_opened_whatever_the_ivf_holds(
    store: FaissStore, now: list[IndexPartition], eight_bit: bool
) -> None:
    built = [ada, bob, cy]
    versions = publish(store, *built)
    record = store.build_ivf(versions, eight_bit=eight_bit)[CATEGORY]
    assert (record.rows, record.nprobe, record.eight_bit) == (360, record.lists, eight_bit)
    later = publish(store, *(part for part in now if not any(part is one for one in built)))
    served = {
        p.author.slug: versions[p.author.slug] for p in now if p.author.slug not in later
    } | later
    snapshot = store.open(served)
    assert (snapshot.ivf_recall(CATEGORY) is None) == (now == [eve])
    assert_exact(snapshot, now)


@pytest.mark.usefixtures("every_list")
@pytest.mark.parametrize("is_served", [False, True], ids=["not served", "in another version"])
def test_rows_that_do_not_answer_do_not_crowd_the_others_out(
    store: FaissStore, is_served: bool
) -> None:
    (question,) = unit_vectors(1, seed=99)
    near = np.repeat(question[None], 200, axis=0)
    shape = [(CATEGORY, 1)] * len(near)
    served = publish(store, partition(ADA, shape, vectors=near), bob)
    store.build_ivf(served)
    far = partition(ADA, shape, vectors=-near)
    if is_served:
        served |= publish(store, far)
    else:
        del served["ada"]
    assert_exact(store.open(served), [far, bob] if is_served else [bob])


@pytest.mark.usefixtures("every_list")
def test_an_author_rolled_back_to_what_the_ivf_holds(store: FaissStore) -> None:
    first = publish(store, ada, bob)
    store.build_ivf(first)
    second = publish(store, ada_2)
    assert_exact(store.open({**first, **second}), [ada_2, bob])
    store.roll_back("ada")
    assert_exact(store.open(first), [ada, bob])


def test_few_lists_find_nearly_all_and_their_scores_are_exact(store: FaissStore) -> None:
    parts = [ada, bob, cy, eve]
    served = publish(store, *parts)
    record = store.build_ivf(served)[CATEGORY]
    assert 4 <= record.nprobe < record.lists
    assert record.recall >= 0.97
    snapshot = store.open(served)
    recall = snapshot.ivf_recall(CATEGORY)
    assert recall is not None
    assert 0.9 < recall <= 1
    for vector in unit_vectors(20):
        exact = dict(brute_force(parts, vector, CATEGORY, 1000))
        (hits,) = snapshot.search(vector[None], CATEGORY, 5)
        assert_same(hits[:1], [(hits[0].chunk.chunk_id, exact[hits[0].chunk.chunk_id])])


def test_a_poor_recall_is_told(store: FaissStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One list of several: the figure is what the searches themselves find."""
    monkeypatch.setattr(ivf, "calibrate", lambda *_: (1, 1.0))
    parts = [ada, bob, cy, eve]
    served = publish(store, *parts)
    store.build_ivf(served)
    snapshot = store.open(served)
    questions = sample_questions(snapshot.collections[CATEGORY].matrices, 200, _RECALL_SEED)
    found = 0
    for vector in questions:
        (hits,) = snapshot.search(vector[None], CATEGORY, 5)
        exact = brute_force(parts, vector, CATEGORY, 5)
        found += len({hit.chunk.chunk_id for hit in hits} & {chunk for chunk, _ in exact})
    recall = snapshot.ivf_recall(CATEGORY, k=5)
    assert recall is not None
    assert recall < 0.9
    assert recall == pytest.approx(found / (5 * len(questions)))


def test_few_of_its_rows_are_found_as_well_as_all(store: FaissStore) -> None:
    served = publish(store, ada, bob, cy, eve)
    store.build_ivf(served)
    recall = store.open({"cy": served["cy"]}).ivf_recall(CATEGORY)
    assert recall is not None
    assert recall > 0.9


def test_more_chunks_than_the_lists_hold_are_found_exactly(store: FaissStore) -> None:
    served = publish(store, ada, bob)
    store.build_ivf(served)
    assert_exact(store.open(served), [ada, bob], k=115)
    assert_exact(store.open(served), [ada, bob], k=500)


def test_an_author_alone_and_a_small_category_are_exact(store: FaissStore) -> None:
    served = publish(store, ada, bob)
    assert set(store.build_ivf(served)) == {CATEGORY}
    snapshot = store.open(served)
    assert snapshot.ivf_recall(Category.POST) is None
    for vector in unit_vectors(20):
        (posts,) = snapshot.search(vector[None], Category.POST, 5)
        assert_same(posts, brute_force([ada, bob], vector, Category.POST, 5))
        (mine,) = snapshot.search(vector[None], CATEGORY, 5, "bob")
        assert_same(mine, brute_force([bob], vector, CATEGORY, 5))


def test_an_ivf_that_is_not_needed_any_more_is_removed(store: FaissStore, tmp_path: Path) -> None:
    store.build_ivf(publish(store, ada, bob))
    small = partition(ADA, [(CATEGORY, 1)] * 9)
    assert store.build_ivf(publish(store, small)) == {}
    assert files(tmp_path) == []
    assert ivf.IvfFolder(tmp_path / "_ivf").record(CATEGORY) is None


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "cut short": lambda index, record: index.write_bytes(index.read_bytes()[:-7]),
    "empty": lambda index, record: index.write_bytes(b""),
    "a bit flipped": lambda index, record: flip(index),
    "missing": lambda index, record: index.unlink(),
    "record empty": lambda index, record: record.write_bytes(b""),
    "record of another": lambda index, record: record.write_text('{"lists": 3}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("is_open", [False, True])
def test_a_damaged_ivf_is_one_line_and_search_is_exact(
    store: FaissStore, tmp_path: Path, damage, is_open: bool
) -> None:
    served = publish(store, ada, bob)
    record = store.build_ivf(served)[CATEGORY]
    if is_open:
        store.open(served)
    damage(tmp_path / "_ivf" / record.file, tmp_path / "_ivf" / f"{NAME}.json")
    snapshot = store.open(served)
    (fault,) = snapshot.faults
    assert fault.startswith(f"The search index over all authors for {NAME} is damaged: ")
    assert "\n" not in fault
    assert snapshot.ivf_recall(CATEGORY) is None
    assert_exact(snapshot, [ada, bob])

    store.build_ivf(served)
    again = store.open(served)
    assert again.faults == ()
    assert again.ivf_recall(CATEGORY) is not None
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("content", [b"not an index", b"IwFl\x08\x00\x00\x00", b""])
def test_an_index_that_faiss_refuses(store: FaissStore, tmp_path: Path, content: bytes) -> None:
    served = publish(store, ada, bob)
    record = store.build_ivf(served)[CATEGORY]
    index, json = tmp_path / "_ivf" / record.file, tmp_path / "_ivf" / f"{NAME}.json"
    index.write_bytes(content)
    json.write_text(json.read_text().replace(record.sha256, file_digest(index)))
    snapshot = store.open(served)
    (fault,) = snapshot.faults
    assert f"{record.file} cannot be read" in fault
    assert "\n" not in fault
    assert_exact(snapshot, [ada, bob])


def test_an_ivf_stays_open_while_it_is_the_same(store: FaissStore, tmp_path: Path) -> None:
    served = publish(store, ada, bob)
    store.build_ivf(served)
    folder = ivf.IvfFolder(tmp_path / "_ivf")
    first = folder.open(CATEGORY)
    assert folder.open(CATEGORY) is first
    store.build_ivf(served)
    assert folder.open(CATEGORY) is not first


def test_the_stamp_tells_of_a_new_ivf(store: FaissStore) -> None:
    served = publish(store, ada, bob)
    stamps = [store.stamp()]
    for _ in range(2):
        store.build_ivf(served)
        stamps.append(store.stamp())
    store.open(served)
    assert len(set(stamps)) == 3
    assert store.stamp() == stamps[-1]
