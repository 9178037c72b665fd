"""Publishing to a database, whichever it is: by several processes, broken off, and killed."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import chroma_publishing
import pytest
import qdrant_publishing
from faults import Step
from publishing import (
    KEPT,
    assert_answers,
    assert_serves,
    publish_and_serve,
    seed_of,
    version_of,
    wait_for,
)

from twin_assets.errors import IndexCorruptedError, StorageError
from twin_assets.stores import VectorStore

MODULES = [chroma_publishing, qdrant_publishing]
PLACES = [(chroma_publishing, "chroma_url"), (qdrant_publishing, "qdrant_stand_in_url")]
PLACES += [(module, "") for module in MODULES]  # in a folder
STEPS = [(place, step) for place in PLACES for step in place[0].STEPS]
IN_A_FOLDER = [((module, ""), step) for module in MODULES for step in module.STEPS]


@dataclass(frozen=True)
class Backend:
    """A database below a folder, or a server's."""

    module: ModuleType
    root: Path
    url: str

    def store(self) -> VectorStore:
        opened: VectorStore = self.module.Store(self.root, self.url)
        return opened

    def kept_rows(self) -> set[tuple[object, object]]:
        rows: set[tuple[object, object]] = self.module.kept_rows(self.root, self.url)
        return rows


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0].__name__}-{place[1] or 'folder'}")
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    module, place = request.param
    return Backend(module, tmp_path, request.getfixturevalue(place) if place else "")


def test_no_answer_is_torn_empty_or_mixed_while_another_process_publishes(backend: Backend) -> None:
    store = backend.store()
    publish_and_serve(store, "bob", 0)
    publish_and_serve(store, "ada", 0)
    seen = set()
    publisher = backend.module.start(backend.root, backend.url, "ada", 1, 10)
    while publisher.poll() is None:
        served = {author: store.serving(author) or "" for author in ("ada", "bob")}
        try:
            snapshot = store.open(served)
            for author, version in served.items():
                store.verify(author, version)
                assert_answers(snapshot, version_of(author, seed_of(version)))
        except IndexCorruptedError:  # said, not answered wrongly: the version is gone by now
            assert served["ada"] != store.serving("ada")
            continue
        seen.add(served["ada"])
    wait_for(publisher)
    assert len(seen) > 2
    served_last = store.serving("ada") or ""
    assert seed_of(served_last) == 10
    assert_serves(backend.store(), served_last)
    names = [(m.author.slug, m.version) for a in ("ada", "bob") for m in store.versions(a)]
    assert backend.kept_rows() == set(names)
    assert len(names) == KEPT + 1


def test_two_processes_publish_at_once_and_nothing_is_lost(backend: Backend) -> None:
    publishers = [
        backend.module.start(backend.root, backend.url, slug, 1, 3, times=10)
        for slug in ("ada", "bob")
    ]
    for publisher in publishers:
        wait_for(publisher)
    store = backend.store()
    for slug in ("ada", "bob"):
        assert len(store.versions(slug)) == 3
        for manifest in store.versions(slug):
            read = store.read(slug, manifest.version)
            assert (read.vectors == version_of(slug, seed_of(manifest.version), 10).vectors).all()


@pytest.mark.parametrize(("backend", "step"), STEPS, indirect=["backend"])
def test_a_publisher_that_is_killed_leaves_the_old_version_and_the_next_removes_its_rows(
    backend: Backend, step: str
) -> None:
    before = publish_and_serve(backend.store(), "ada", 1)
    wait_for(backend.module.start(backend.root, backend.url, "ada", 2, 1, step=step), -9)
    assert_serves(backend.store(), before)
    after = publish_and_serve(backend.store(), "ada", 3)
    assert_serves(backend.store(), after)
    assert backend.kept_rows() == {("ada", before), ("ada", after)}


@pytest.mark.parametrize("fault", [OSError("No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize(("backend", "step"), IN_A_FOLDER, indirect=["backend"])
def test_a_fault_at_any_step_of_publishing(
    backend: Backend, step: str, fault: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throw() -> None:
        raise fault

    broken: Step = backend.module.STEPS[step]
    store = backend.store()
    before = publish_and_serve(store, "ada", 1)
    with monkeypatch.context() as patch:
        patch.setattr(broken.owner, broken.name, broken.faulty(throw))
        expected = StorageError if isinstance(fault, Exception) else KeyboardInterrupt
        with pytest.raises(expected) as caught:
            store.publish(version_of("ada", 2))
        assert "\n" not in str(caught.value)
    assert_serves(backend.store(), before)
    after = publish_and_serve(store, "ada", 3)
    assert backend.kept_rows() == {("ada", before), ("ada", after)}
