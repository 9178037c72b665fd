"""Dagster's asset daemon over our conditions: what it requests becomes runs that do it."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from builders import raw_document
from daemons import Daemons, daemons

from twin_assets.assets import chain
from twin_assets.documents import Author
from twin_assets.partitions import JOB, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.cli.launch import build
from twin_serving.cli.plan import plan_build

pytestmark = [
    pytest.mark.postgres_too,
    # Dagster's daemons use what Dagster itself deprecates.
    pytest.mark.filterwarnings("ignore:.*removed in 2.0:DeprecationWarning"),
]

RAW, *FOLLOWERS = [asset.key for asset in chain(["faiss"])]
NAMES = ["ada", "bob", "cleo"]


@pytest.fixture
def settings(settings: TwinSettings, tiny: str) -> TwinSettings:
    return settings.model_copy(update={"embedding_model": tiny})


def write(settings: TwinSettings, author: str, text: str) -> None:
    store = open_raw_store(settings)
    store.put_author(Author(author, author.title()))
    store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    store.close()


@pytest.fixture
def running(
    settings: TwinSettings, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[Daemons]:
    """The daemons of a home with three authors, at whom the automation has looked."""
    for name in NAMES:
        write(settings, name, f"the words of {name} about bread and ovens.")
    with daemons(settings, instance, tmp_path) as made:
        made.iterate_automation()
        assert build(settings, instance, [], lambda event: None).built == NAMES
        made.iterate_automation()
        assert made.queued() == []
        yield made


def change(running: Daemons, author: str) -> None:
    """Write something, and materialize the author's raw documents alone."""
    write(running.settings, author, "other words, about rye and about salt.")
    job = running.definitions.resolve_job_def(JOB)
    assert job.execute_in_process(
        instance=running.instance, tags=range_tags([author]), asset_selection=[RAW]
    ).success


def stale(running: Daemons) -> list[str]:
    plans = plan_build(running.settings, running.instance, [])
    return [plan.author.slug for plan in plans if plan.stale is not None]


def test_several_authors_become_one_backfill(running: Daemons) -> None:
    for name in ("ada", "cleo"):
        change(running, name)
    assert stale(running) == ["ada", "cleo"]
    running.iterate_automation()
    (backfill,) = running.instance.get_backfills()
    assert set(backfill.asset_selection or []) == set(FOLLOWERS)
    running.iterate_backfills()
    runs = running.queued()
    assert [run.asset_selection for run in runs] == [set(FOLLOWERS)] * 2  # they are no neighbours
    assert all(running.execute(run) for run in runs)
    running.iterate_backfills()
    assert stale(running) == []
    running.iterate_automation()
    assert (len(running.instance.get_backfills()), running.queued()) == (1, [])


def test_one_author_becomes_a_run(running: Daemons) -> None:
    change(running, "bob")
    running.iterate_automation()
    (run,) = running.queued()
    assert run.asset_selection == set(FOLLOWERS)
    assert running.execute(run)
    assert stale(running) == []
    running.iterate_automation()
    assert (running.instance.get_backfills(), running.queued()) == ([], [])
