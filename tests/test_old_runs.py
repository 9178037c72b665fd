"""Old runs are removed, and what rests on one of them stays as it is."""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from builders import raw_document
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.runs.schema import RunsTable
from sqlalchemy import select

from twin_assets.assets.dagster_storages import event_storage
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
from twin_serving.lineage import Step, lineage

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
    report = build(settings, instance, [], ignored)
    assert report.built == ["ada"]
    (run_id,) = report.run_ids
    return run_id


def age(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> None:
    """Have the runs ended three months ago."""
    with instance.run_storage.connect() as connection:
        of_these = RunsTable.update().where(RunsTable.c.run_id.in_(list(run_ids)))
        then = LONG_AGO.replace(tzinfo=None)
        connection.execute(of_these.values(create_timestamp=then, update_timestamp=then))


def found(instance: dg.DagsterInstance, store: VectorStore) -> OldRuns:
    return old_runs(instance, NOW - timedelta(days=90), [store])


def verdicts_of(instance: dg.DagsterInstance, run_id: str) -> list[object]:
    table = AssetCheckExecutionsTable.c
    with event_storage(instance).index_connection() as connection:
        return list(connection.execute(select(table.id).where(table.run_id == run_id)))


def ignored(event: dg.DagsterEvent) -> None:
    pass


def traced(instance: dg.DagsterInstance, store: VectorStore) -> list[Step]:
    partition = Catalog(instance, store).served().partition("ada")
    assert partition is not None
    return list(lineage(instance, store.name, partition))


def serves(settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore) -> str:
    partition = Catalog(instance, store).served().partition("ada")
    assert partition is not None
    assert plan_build(settings, instance, [])[0].stale is None
    return partition.version


@pytest.mark.postgres_too
def test_what_was_recorded_again_since_goes(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    write(settings, "The words of Ada about bread and ovens. ")
    first = build_now(settings, instance)
    nights = [run_job(settings, instance, JOB, [], ignored).run_ids[0] for _ in range(3)]
    assert found(instance, store) == OldRuns((), ())
    version = serves(settings, instance, store)
    age(instance, [first, *nights])
    made_it, newest = first, nights[-1]
    assert found(instance, store) == OldRuns((nights[1], nights[0]), (newest, made_it))
    verdicts = verdicts_of(instance, nights[0])
    assert verdicts
    assert sorted(remove_runs(instance, nights[:2])) == sorted(nights[:2])
    assert list(instance.get_run_ids()) == [newest, made_it]
    assert not instance.all_logs(nights[0])
    assert not verdicts_of(instance, nights[0])
    assert serves(settings, instance, store) == version
    assert found(instance, store) == OldRuns((), (newest, made_it))


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


def test_what_a_version_came_from_keeps_its_runs(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    write(settings, "The words of Ada about bread and ovens. ")
    jobs = ("digital_data_etl", "feature_engineering", "digital_data_etl", "digital_data_etl")
    runs = [run_job(settings, instance, job, [], ignored).run_ids[0] for job in jobs]
    before = [step.run_id for step in traced(instance, store)]
    age(instance, runs)
    old = found(instance, store)
    assert old == OldRuns((runs[2],), (runs[3], runs[1], runs[0]))
    list(remove_runs(instance, old.removable))
    assert [step.run_id for step in traced(instance, store)] == before


def test_a_failure_that_was_the_last_attempt_keeps_its_run(
    settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
) -> None:
    with closing(open_raw_store(settings)) as raw:
        raw.put_author(Author("zed", "Zed"))
    runs = []
    for _ in range(2):
        report = run_job(settings, instance, "digital_data_etl", ["zed"], ignored)
        assert report.failed.keys() == {"zed"}
        runs += report.run_ids
    write(settings, "The words of Ada about bread and ovens. ")
    runs += run_job(settings, instance, "digital_data_etl", ["ada"], ignored).run_ids
    age(instance, runs)
    assert found(instance, store) == OldRuns((runs[0],), (runs[2], runs[1]))


def test_assets_of_others_keep_theirs(instance: dg.DagsterInstance, store: VectorStore) -> None:
    @dg.asset
    def measured() -> int:
        return 1

    halves = dg.StaticPartitionsDefinition(["left", "right"])

    @dg.asset(key=["other", "thing"], partitions_def=halves)
    def thing() -> int:
        return 1

    def run(asset: dg.AssetsDefinition, half: str | None = None) -> str:
        resources = {"io_manager": dg.InMemoryIOManager()}
        return dg.materialize(
            [asset], instance=instance, partition_key=half, resources=resources
        ).run_id

    runs = [run(measured), run(measured), run(thing, "left"), run(thing, "left")]
    runs += [run(thing, "right"), run(thing, "right")]
    age(instance, runs)
    gone = runs[4], runs[2]
    assert found(instance, store) == OldRuns(gone, (runs[5], runs[3], runs[1], runs[0]))


def test_a_run_that_goes_on_stays_and_so_does_the_newest(
    instance: dg.DagsterInstance, store: VectorStore
) -> None:
    canceled = dg.DagsterRunStatus.CANCELED
    instance.add_run(dg.DagsterRun(JOB, "at-its-end", status=canceled))
    instance.add_run(dg.DagsterRun(JOB, "at-work", status=dg.DagsterRunStatus.STARTED))
    age(instance, ["at-work", "at-its-end"])
    assert found(instance, store) == OldRuns(("at-its-end",), ())
    instance.add_run(dg.DagsterRun(JOB, "newest", status=canceled))
    age(instance, ["newest"])
    assert found(instance, store) == OldRuns(("at-its-end",), ("newest",))
