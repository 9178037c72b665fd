"""The serving pointer's history: back by hand, forward by a build, and what was served when."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import ADA
from test_publishing import assert_served, publish, publish_and_serve

from twin_assets.errors import BadInputError
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.manifest import Manifest


def test_back_to_the_version_before_and_to_a_named_one(tmp_path: Path) -> None:
    first, second, third = (publish_and_serve(tmp_path, seed) for seed in (1, 2, 3))
    store = FaissStore(tmp_path)
    assert store.roll_back(ADA.slug) == second
    assert store.pinned_over(ADA.slug) == third
    assert_served(tmp_path, second, 2)
    assert store.roll_back(ADA.slug) == first
    assert store.pinned_over(ADA.slug) == third
    assert_served(tmp_path, first, 1)
    assert store.roll_back(ADA.slug, third) == third
    assert store.pinned_over(ADA.slug) is None
    store.roll_back(ADA.slug, first)
    store.serve(ADA.slug, second)
    assert store.pinned_over(ADA.slug) is None


def test_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    with pytest.raises(BadInputError, match="No index version of ada is served"):
        store.roll_back(ADA.slug)
    only = publish_and_serve(tmp_path, 1)
    with pytest.raises(BadInputError, match=f"ada has no index version before {only}"):
        store.roll_back(ADA.slug)
    with pytest.raises(BadInputError, match="ada has no index version nine"):
        store.roll_back(ADA.slug, "nine")
    assert_served(tmp_path, only, 1)


def test_a_version_that_may_not_be_served_is_passed_over(tmp_path: Path) -> None:
    first, second, third = (publish_and_serve(tmp_path, seed) for seed in (1, 2, 3))
    store = FaissStore(tmp_path)

    def why_not(version: str) -> str | None:
        return "its check failed" if version == second else None

    with pytest.raises(BadInputError, match=f"^Version {second} of ada may not .*: its check fail"):
        store.roll_back(ADA.slug, second, why_not)
    assert_served(tmp_path, third, 3)
    assert store.roll_back(ADA.slug, None, why_not) == first
    with pytest.raises(BadInputError, match=f"no index version before {first} that may be served"):
        store.roll_back(ADA.slug, None, why_not)
    manifest = tmp_path / ADA.slug / "versions" / second / "manifest.json"
    manifest.write_text("{")
    with pytest.raises(BadInputError, match=f"ada has no index version {second}"):
        store.roll_back(ADA.slug, second)
    assert_served(tmp_path, first, 1)


def test_what_was_served_when(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    assert store.served_at(ADA.slug, datetime.now(UTC)) is None
    served, times = [], []
    for seed in (1, 2):
        served.append(publish_and_serve(tmp_path, seed))
        times.append(datetime.now(UTC))
    store.roll_back(ADA.slug)
    assert [store.served_at(ADA.slug, time) for time in times] == served
    assert store.served_at(ADA.slug, datetime.now(UTC)) == served[0]
    assert store.served_at(ADA.slug, times[0] - timedelta(days=1)) is None


def test_the_served_version_survives_pruning_wherever_it_stands(tmp_path: Path) -> None:
    first = publish_and_serve(tmp_path, 1)
    publish_and_serve(tmp_path, 2)
    FaissStore(tmp_path).roll_back(ADA.slug)
    newest = publish(tmp_path, 3)
    FaissStore(tmp_path).prune(ADA.slug, 1)
    assert [m.version for m in FaissStore(tmp_path).versions(ADA.slug)] == [newest, first]


@pytest.mark.parametrize("choose", ["serve", "roll_back"])
def test_what_is_chosen_while_old_versions_are_pruned_is_there(
    tmp_path: Path, choose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The choice waits for the pruning, and then sees what is left."""
    versions = [publish(tmp_path, seed) for seed in (1, 2, 3)]
    FaissStore(tmp_path).serve(ADA.slug, versions[2])
    chosen: list[BadInputError] = []

    def move() -> None:
        try:
            getattr(FaissStore(tmp_path), choose)(ADA.slug, versions[0])
        except BadInputError as error:
            chosen.append(error)

    mover = threading.Thread(target=move)
    store = FaissStore(tmp_path)
    manifests = store._versions.manifests

    def looked_at(author: str) -> list[Manifest]:
        found = manifests(author)
        mover.start()
        mover.join(0.2)
        return found

    monkeypatch.setattr(store._versions, "manifests", looked_at)
    assert store.prune(ADA.slug, 2) == [versions[0]]
    mover.join()
    assert [str(error) for error in chosen] == [
        f"ada has no index version {versions[0]}; see `twin status`."
    ]
    assert_served(tmp_path, versions[2], 3)


def test_nothing_is_made_for_an_author_who_has_nothing(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    for do in (store.roll_back, lambda author: store.serve(author, "x")):
        with pytest.raises(BadInputError):
            do("nobody")
    store.prune("nobody", 1)
    assert list(tmp_path.iterdir()) == []


def test_forgetting_leaves_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    publish_and_serve(tmp_path, 1)
    store = FaissStore(tmp_path)
    store.forget(ADA.slug)
    store.forget(ADA.slug)
    assert store.authors() == []
    assert [path.name for path in tmp_path.iterdir()] == ["changes"]
    assert_served(tmp_path, publish_and_serve(tmp_path, 2), 2)


def test_a_moved_pointer_is_told_and_nothing_else_is(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    stamps = [store.stamp()]
    publish(tmp_path, 1)
    assert store.stamp() == stamps[-1]
    publish_and_serve(tmp_path, 2)
    stamps.append(store.stamp())
    publish_and_serve(tmp_path, 3)
    stamps.append(store.stamp())
    store.roll_back(ADA.slug)
    stamps.append(store.stamp())
    store.forget(ADA.slug)
    stamps.append(store.stamp())
    assert len(set(stamps)) == 5
