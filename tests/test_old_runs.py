"""Old runs are removed, and what rests on one of them stays as it is."""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from builders import raw_document
from dagster._core.storage.runs.schema import RunsTable

from twin_assets.assets.old_runs import OldRuns, old_runs, remove_runs
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.partitions import JOB
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import VectorStore, create_store
from twin_serving.catalog import Catalog
from twin_serving.cli.launch import build, run_job
from twin_serving.cli.plan import plan_build

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=91)


@pytest.fixture
def store(settings: TwinSettings) -> VectorStore:
    return create_store("faiss", settings)


def write(settings: TwinSettings, text: str) -> None:
    with closing(open_raw_store(settings)) as raw:
        raw.put_author(Author("ada", "Ada"))
        raw.upsert([raw_document("https://example.com/a", text * 3, author="ada")])


def build_now(settings: TwinSettings, instance: dg.DagsterInstance) -> str:
    report = build(settings, instance, [], lambda event: None)
    assert report.built == ["ada"]
    (run_id,) = report.run_ids
    return run_id


def age(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> None:
    """Have the runs begun three months ago."""
    with instance.run_storage.connect() as connection:
        of_these = RunsTable.update().where(RunsTable.c.run_id.in_(list(run_ids)))
        connection.execute(of_these.values(create_timestamp=LONG_AGO.replace(tzinfo=None)))


def found(instance: dg.DagsterInstance, store: VectorStore) -> OldRuns:
    return old_runs(instance, NOW - timedelta(days=90), [store])


def serves(settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore) -> str:
    partition = Catalog(instance, store).served().partition("ada")
    assert partition is not None
    assert plan_build(settings, instance, [])[0].stale is None
    return partition.version


@pytest.mark.postgres_too
def test_what_was_recorded_again_goes(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    write(settings, "The words of Ada about bread and ovens. ")
    first = build_now(settings, instance)
    (again,) = run_job(settings, instance, JOB, [], lambda event: None).run_ids  # as every night
    assert found(instance, store) == OldRuns((), ())
    version = serves(settings, instance, store)
    age(instance, [first, again])
    assert found(instance, store) == OldRuns((first,), (again,))
    assert list(remove_runs(instance, [first])) == [first]
    assert list(instance.get_run_ids()) == [again]
    assert not instance.all_logs(first)
    assert serves(settings, instance, store) == version
    assert found(instance, store) == OldRuns((), (again,))


@pytest.mark.postgres_too
def test_what_can_be_rolled_back_to_keeps_its_run(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    runs = []
    for words in ("bread and ovens", "rye and salt", "dough and linen"):
        write(settings, f"The words of Ada about {words}. ")
        runs.append(build_now(settings, instance))
    age(instance, runs)
    assert found(instance, store) == OldRuns((), tuple(reversed(runs)))
    store.prune("ada", keep=2)
    assert found(instance, store) == OldRuns((runs[0],), (runs[2], runs[1]))
    list(remove_runs(instance, [runs[0]]))
    before = store.versions("ada")[1].version
    store.roll_back("ada")
    partition = Catalog(instance, store).served().partition("ada")
    assert partition is not None
    assert (partition.version, partition.run_id) == (before, runs[1])


def test_a_verdict_that_was_given_later_keeps_its_run(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    write(settings, "The words of Ada about bread and ovens. ")
    first = build_now(settings, instance)
    check = dg.AssetCheckKey(dg.AssetKey("faiss_index"), "index_holds_windows")
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    runs = [
        job.get_subset(asset_selection=set(), asset_check_selection={check})
        .execute_in_process(instance=instance, partition_key="ada")
        .run_id
        for _ in range(2)
    ]
    age(instance, [first, *runs])
    assert found(instance, store) == OldRuns((), (runs[1], runs[0], first))


def test_a_run_that_goes_on_stays(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    instance.add_run(dg.DagsterRun(JOB, "at-work", status=dg.DagsterRunStatus.STARTED))
    instance.add_run(dg.DagsterRun(JOB, "at-its-end", status=dg.DagsterRunStatus.CANCELED))
    age(instance, ["at-work", "at-its-end"])
    assert found(instance, store) == OldRuns(("at-its-end",), ())
