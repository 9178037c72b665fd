"""Publishing to a database, whichever it is, broken off and killed."""

import shutil
from dataclasses import replace

import chroma_publishing
import pytest
import qdrant_publishing
from faults import Step
from publishing import Backend, assert_serves, publish_and_serve, version_of, wait_for

from twin_assets.errors import StorageError

MODULES = [chroma_publishing, qdrant_publishing]
PLACES = [(chroma_publishing, "chroma_url"), (qdrant_publishing, "qdrant_stand_in_url")]
PLACES += [(module, "") for module in MODULES]  # in a folder
STEPS = [(place, step) for place in PLACES for step in place[0].STEPS]
IN_A_FOLDER = [((module, ""), step) for module in MODULES for step in module.STEPS]


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


@pytest.mark.parametrize("backend", PLACES[:2], indirect=True)
def test_an_author_is_forgotten_in_the_folder_from_before_there_was_a_server(
    backend: Backend,
) -> None:
    folder = replace(backend, url="")
    publish_and_serve(folder.store(), "ada", 1)
    bob = publish_and_serve(folder.store(), "bob", 1)
    publish_and_serve(backend.store(), "ada", 2)
    backend.store().forget("ada")
    assert folder.kept_rows() == {("bob", bob)}
    assert backend.store().traces("ada") == 0
    publish_and_serve(folder.store(), "ada", 3)
    shutil.rmtree(backend.root / "ada")
    assert backend.store().traces("ada") == len(version_of("ada", 3).documents) + len(
        version_of("ada", 3).windows
    )
