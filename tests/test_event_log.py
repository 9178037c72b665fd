"""Our event logs keep what Dagster's own would, in fewer transactions."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.events import EngineEventData
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.event_batches import BatchedEventLog, log_events
from twin_assets.event_log import HomeEventLog
from twin_assets.partitions import authors, range_tags

KEYS = ["ada", "bob", "cleo"]


@author_asset(group="collect", kinds=set(), team="data", code_version="1")
def words(context: dg.AssetExecutionContext) -> dg.Output[None]:
    """Make something of each author; the events are logged in one batch."""
    run = AuthorRun(context, lambda *_: False)
    return run.materialize(lambda author, _: Outcome(f"version of {author}", {}))


with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.PreviewWarning)

    @dg.asset_check(asset=words, partitions_def=authors)
    def has_words(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Say something of each author; bob fails."""
        op = context.op_execution_context
        log_events(
            op,
            [
                dg.AssetCheckEvaluation(
                    dg.AssetKey("words"), "has_words", key != "bob", {}, partition=key
                )
                for key in op.partition_keys
            ],
        )
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@pytest.fixture
def plain(
    instance: dg.DagsterInstance, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[dg.DagsterInstance]:
    """An instance as Dagster makes it, on the same kind of database."""
    if not isinstance(instance.event_log_storage, SqliteEventLogStorage):
        yield request.getfixturevalue("plain_postgres_instance")
        return
    folder = tmp_path / "plain"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as opened:
        yield opened


def run(instance: dg.DagsterInstance) -> str:
    instance.add_dynamic_partitions("author", KEYS)
    job = dg.Definitions(
        assets=[words],
        asset_checks=[has_words],
        jobs=[dg.define_asset_job("job", selection="words")],
    ).resolve_job_def("job")
    return job.execute_in_process(instance=instance, tags=range_tags(KEYS)).run_id


def index(storage: SqlEventLogStorage) -> dict[str, list[tuple[object, ...]]]:
    """Return what the index has, apart from times, run ids and the order of events of one kind."""
    event, verdict = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    tag, asset = AssetEventTagsTable.c, AssetKeyTable.c
    queries = {
        "events": db.select(event.dagster_event_type, event.asset_key, event.partition),
        "tags": db.select(event.partition, tag.asset_key, tag.key, tag.value).join_from(
            AssetEventTagsTable, SqlEventLogStorageTable, tag.event_id == event.id
        ),
        "verdicts": db.select(verdict.check_name, verdict.partition, verdict.execution_status),
        "assets": db.select(asset.asset_key, asset.last_materialization.is_not(None)),
    }
    with storage.index_connection() as connection:
        return {
            name: sorted(map(tuple, connection.execute(query)), key=repr)
            for name, query in queries.items()
        }


def of_run(instance: dg.DagsterInstance, run_id: str) -> list[tuple[object, object]]:
    logged = (
        (e.dagster_event_type, e.get_dagster_event().partition) for e in instance.all_logs(run_id)
    )
    return sorted(((kind and kind.value, partition) for kind, partition in logged), key=repr)


def planned(instance: dg.DagsterInstance, run_id: str) -> list[dg.EventLogEntry]:
    """Return the run's planned materializations, without what is of the run and the moment."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    entries = instance.all_logs(run_id, of_type=kind)
    assert [e.timestamp for e in entries] == sorted(e.timestamp for e in entries)
    assert {entry.run_id for entry in entries} == {run_id}
    return [entry._replace(timestamp=0, run_id="") for entry in entries]


@pytest.mark.postgres_too
def test_a_run_leaves_what_it_would_leave_in_dagster_s_own(
    instance: dg.DagsterInstance, plain: dg.DagsterInstance
) -> None:
    ours, theirs = instance.event_log_storage, plain.event_log_storage
    assert isinstance(ours, BatchedEventLog)
    assert isinstance(theirs, SqlEventLogStorage)
    assert not isinstance(theirs, BatchedEventLog)
    run_here, run_there = run(instance), run(plain)
    assert of_run(instance, run_here) == of_run(plain, run_there)
    assert planned(instance, run_here) == planned(plain, run_there)
    found = index(ours)
    assert found == index(theirs)
    assert ("has_words", "bob", "FAILED") in found["verdicts"]
    assert ("bob", '["words"]', "dagster/data_version", "version of bob") in found["tags"]


@pytest.mark.postgres_too
def test_events_of_a_run_are_planned_and_logged_in_batches(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    store = BatchedEventLog.store_event_batch

    def noting(self, events):
        sizes.append(len(events))
        store(self, events)

    monkeypatch.setattr(BatchedEventLog, "store_event_batch", noting)
    run(instance)
    assert sizes == [len(KEYS) + 1, len(KEYS), len(KEYS)]  # planned, with the check; made; judged


@pytest.mark.postgres_too
def test_a_batch_that_cannot_be_kept_leaves_no_part_in_the_index(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run(instance)
    storage = instance.event_log_storage
    before = index(storage)
    entries = [e for e in instance.all_logs(run_id) if e.dagster_event_type is not None]
    made = [e for e in entries if e.get_dagster_event().is_step_materialization]

    def full(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(type(storage), "_store_asset_event", full)
        with pytest.raises(OSError, match="disk full"):
            storage.store_event_batch(made)
    assert index(storage) == before
    storage.store_event_batch(made)
    assert len(index(storage)["events"]) == len(before["events"]) + len(KEYS)


def test_whoever_follows_a_run_sees_its_events_while_it_runs(
    instance: dg.DagsterInstance,
) -> None:
    """The webserver's live log does so; its process has the files open, and so has the run's."""
    writer = instance.event_log_storage
    follower = HomeEventLog(writer._base_dir)
    run_id = "00000000-0000-0000-0000-000000000001"
    seen: list[str] = []

    def engine_event(message: str) -> None:
        event = dg.DagsterEvent(
            "ENGINE_EVENT", "job", event_specific_data=EngineEventData(), message=message
        )
        instance.report_dagster_event(event, run_id)

    engine_event("first")
    follower.watch(run_id, None, lambda entry, _: seen.append(entry.dagster_event.message))
    try:
        for message in ("second", "third"):
            engine_event(message)
            deadline = monotonic() + 30
            while message not in seen and monotonic() < deadline:
                sleep(0.05)
        assert seen[-2:] == ["second", "third"]
    finally:
        follower.end_watch(run_id, next(iter(follower._watchers[run_id])))
        SqliteEventLogStorage.dispose(follower)
        follower.dispose()


def test_readers_never_wait_for_a_writer_whoever_made_the_files(
    instance: dg.DagsterInstance, plain: dg.DagsterInstance
) -> None:
    for opened in (instance, plain):
        run_id = run(opened)
        log = HomeEventLog(opened.event_log_storage._base_dir)
        for connecting in (log.index_connection(), log.run_connection(run_id)):
            with connecting as connection:
                assert connection.execute(db.text("PRAGMA journal_mode")).scalar() == "wal"
        log.dispose()


@pytest.mark.postgres_too
def test_the_ui_s_list_of_events_which_shows_one_an_instant_shows_each_author(
    instance: dg.DagsterInstance,
) -> None:
    run(instance)
    records = instance.fetch_materializations(dg.AssetKey("words"), limit=10).records
    shown = {int(record.timestamp * 1000): record.partition_key for record in records}
    assert list(shown.values()) == KEYS[::-1]
    assert sorted(shown, reverse=True) == list(shown)
    (entries,) = [instance.all_logs(run_id) for run_id in {record.run_id for record in records}]
    made = [
        e for e in entries if e.is_dagster_event and e.get_dagster_event().is_step_materialization
    ]
    assert [int(e.timestamp * 1000) for e in made] == list(shown)[::-1]
