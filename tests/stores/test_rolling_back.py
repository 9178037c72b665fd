"""The serving pointer's history: back by hand, forward by a build, and what was served when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import ADA
from test_publishing import assert_served, publish, publish_and_serve

from twin_assets.errors import BadInputError
from twin_assets.stores.faiss import FaissStore


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
