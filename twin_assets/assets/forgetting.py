"""An author removed from the Dagster instance: events, verdicts, runs, ticks and the partition.

Dagster can wipe an asset, but not one of its partitions, so rows are deleted here. The index says
in which runs the author took part: what it holds goes last, so that after an interruption the rest
is found again.
"""

from collections.abc import Collection, Mapping, Sequence

import dagster as dg
import sqlalchemy as db
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    AssetKeyTable,
    DynamicPartitionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs.schema import BulkActionsTable, RunsTable, RunTagsTable
from dagster._core.storage.schedules.schema import InstigatorsTable, JobTable, JobTickTable
from dagster._record import copy
from dagster._serdes import deserialize_value, serialize_value
from sqlalchemy.engine import Connection

from twin_assets.assets.automation_state import forget_automation, traces_of_automation
from twin_assets.assets.dagster_storages import Storages
from twin_assets.assets.naming import contains, count, delete, value_of, with_value, word_of
from twin_assets.partitions import RANGE_START

_EVENTS, _VERDICTS = SqlEventLogStorageTable, AssetCheckExecutionsTable
_AT_WORK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_FINISHED = [status.value for status in BULK_ACTION_TERMINAL_STATUSES]

Runs = Mapping[str, Sequence[str]]


def at_work(instance: dg.DagsterInstance, author: str) -> list[str]:
    """Return the runs and backfills that are for the author and not at their end."""
    storages = Storages.of(instance)
    run_ids = list(_runs_of(instance, storages, author))
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids, statuses=_AT_WORK)) if run_ids else []
    with storages.runs.connect() as connection:
        ids = with_value(connection, BulkActionsTable, "body", author)
        table = BulkActionsTable.c
        query = db.select(table.key).where(table.id.in_(ids), table.status.not_in(_FINISHED))
        backfills = list(connection.scalars(query))
    return [run.run_id for run in runs] + backfills


def traces(instance: dg.DagsterInstance, author: str) -> int:
    """Return how many events, verdicts, tags, ticks and so on there are of the author."""
    storages = Storages.of(instance)
    found = 0
    for name in storages.shards():
        with storages.shard(name) as connection:
            found += count(connection, _EVENTS, _EVENTS.c.partition == author)
    with storages.index() as connection:
        found += count(connection, _EVENTS, _EVENTS.c.partition == author)
        found += count(connection, _VERDICTS, _VERDICTS.c.partition == author)
        found += count(connection, DynamicPartitionsTable, _is_partition(author))
        found += len(_caches(connection, author))
    with storages.runs.connect() as connection:
        found += count(connection, RunTagsTable, _is_tag(author))
        found += len(with_value(connection, BulkActionsTable, "body", author))
    with storages.schedules.connect() as connection:
        found += len(with_value(connection, JobTickTable, "tick_body", author))
        for table, column in ((InstigatorsTable, "instigator_body"), (JobTable, "job_body")):
            found += len(with_value(connection, table, column, author))
        found += traces_of_automation(connection, author)
    return found


def forget(instance: dg.DagsterInstance, author: str) -> None:
    """Remove all that the instance has of the author; may be repeated.

    Runs that were for this author alone go. Of those for several, the author's own events go, those
    of the run that name the author, and all log lines and output, which can hold titles and links.

    Raises:
        StorageError: another process keeps what was removed.
    """
    storages = Storages.of(instance)
    runs = _runs_of(instance, storages, author)
    for run_id in runs:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    shared = [name for name in storages.shards() if runs.get(name) or name == RUNLESS_RUN_ID]
    for name in shared:
        with storages.shard(name) as connection:
            _remove_events(connection, author, name)
    _rename_in_runs(instance, storages, author, runs)
    with storages.schedules.connect() as connection:
        _remove_ticks(connection, author)
        forget_automation(connection, author)
    with storages.index() as connection:
        _remove_verdicts(connection, author, {*runs, RUNLESS_RUN_ID})
    for run_id, others in runs.items():
        if not others:
            instance.delete_run(run_id)
    storages.remove_orphans()
    storages.compact(shared)
    with storages.index() as connection:
        for run_id in (*runs, RUNLESS_RUN_ID):
            _remove_events(connection, author, run_id)
        _clear_caches(connection, author)
        connection.execute(DynamicPartitionsTable.delete().where(_is_partition(author)))
    storages.compact([])


def _runs_of(instance: dg.DagsterInstance, storages: Storages, author: str) -> Runs:
    """Return the runs that the author took part in, each with the others, in the keys' order."""
    with storages.runs.connect() as connection:
        query = db.select(RunTagsTable.c.run_id).where(_is_tag(author))
        run_ids = set(connection.scalars(query))
    keys = instance.get_dynamic_partitions("author")
    runs: dict[str, list[str]] = {}
    with storages.index() as connection:
        partition = _EVENTS.c.partition
        query = db.select(_EVENTS.c.run_id).where(partition == author).distinct()
        run_ids |= set(connection.scalars(query))
        for run_id in sorted(run_ids - {RUNLESS_RUN_ID}):
            query = db.select(partition).where(_EVENTS.c.run_id == run_id).distinct()
            others = set(connection.scalars(query)) - {author, None}
            runs[run_id] = [key for key in keys if key in others] or sorted(others)
    return runs


def _remove_events(connection: Connection, author: str, run_id: str) -> None:
    """Remove from one run's events what is of the author."""
    table = _EVENTS.c
    query = db.select(table.id, table.partition, table.dagster_event_type, table.event).where(
        table.run_id == run_id,
        (table.partition == author)
        | (
            table.partition.is_(None)
            & (table.dagster_event_type.is_(None) | contains(table.event, author))
        ),
    )
    word = word_of(author)
    ids = [
        row.id
        for row in connection.execute(query)
        if row.partition == author or row.dagster_event_type is None or word.search(row.event)
    ]
    delete(connection, _EVENTS.c.id, ids)
    delete(connection, AssetEventTagsTable.c.event_id, ids)


def _remove_verdicts(connection: Connection, author: str, run_ids: Collection[str]) -> None:
    """Remove the author's verdicts, those of whole runs that name the author, and such plans."""
    table = _VERDICTS.c
    planned = AssetCheckExecutionRecordStatus.PLANNED.value
    query = db.select(table.id, table.partition, table.run_id, table.evaluation_event).where(
        (table.partition == author)
        | (
            (table.partition.is_(None) | (table.execution_status == planned))
            & contains(table.evaluation_event, author)
        )
    )
    word = word_of(author)
    ids = [
        row.id
        for row in connection.execute(query)
        if row.partition == author or (row.run_id in run_ids and word.search(row.evaluation_event))
    ]
    delete(connection, table.id, ids)


def _rename_in_runs(
    instance: dg.DagsterInstance, storages: Storages, author: str, runs: Runs
) -> None:
    """Let the ranges of runs that begin or end with the author do so with a neighbour instead."""
    with storages.runs.connect() as connection:
        delete(
            connection,
            BulkActionsTable.c.id,
            with_value(connection, BulkActionsTable, "body", author),
        )
    for run_id, others in runs.items():
        run = instance.get_run_by_id(run_id)
        if run is None or not others:
            continue
        heir = others[0] if run.tags.get(RANGE_START) == author else others[-1]
        tags = {key: _renamed(value, author, heir) for key, value in run.tags.items()}
        changed = {key: value for key, value in tags.items() if value != run.tags[key]}
        # the range stands in the tags, and Dagster reads it from there
        body = serialize_value(copy(run, tags=tags, partitions_subset=None))
        with storages.runs.connect() as connection:
            if changed:
                where = RunsTable.c.run_id == run_id
                connection.execute(RunsTable.update().where(where).values(run_body=body))
            for key, value in changed.items():
                where = (RunTagsTable.c.run_id == run_id) & (RunTagsTable.c.key == key)
                connection.execute(RunTagsTable.update().where(where).values(value=value))


def _renamed(value: str, author: str, heir: str) -> str:
    """Return a tag's value with the other author where it is the author or ends in ``:author``."""
    named = value == author or value.endswith(f":{author}")
    return value.removesuffix(author) + heir if named else value


def _remove_ticks(connection: Connection, author: str) -> None:
    """Remove the ticks that name the author, and the name from the sensors' last run keys."""
    ids = with_value(connection, JobTickTable, "tick_body", author)
    delete(connection, JobTickTable.c.id, ids)
    for table, column in ((InstigatorsTable, "instigator_body"), (JobTable, "job_body")):
        for row_id in with_value(connection, table, column, author):
            where = table.c.id == row_id
            body = connection.scalars(db.select(table.c[column]).where(where)).one()
            value = {column: value_of(author).sub("", body)}
            connection.execute(table.update().where(where).values(value))


def _caches(connection: Connection, author: str) -> list[int]:
    """Return the rows of assets that repeat the author's last event, or his or her partition."""
    table = AssetKeyTable.c
    query = db.select(table.id, table.last_materialization, table.cached_status_data)
    found = []
    for row_id, event, status in connection.execute(query):
        record = deserialize_value(event) if event else None
        is_author_s = isinstance(record, dg.EventLogRecord) and record.partition_key == author
        if is_author_s or (status and value_of(author).search(status)):
            found.append(row_id)
    return found


def _clear_caches(connection: Connection, author: str) -> None:
    """Empty what is repeated: Dagster then asks the events. The last run is one that is there."""
    ids = _caches(connection, author)
    values = {"last_materialization": None, "cached_status_data": None}
    connection.execute(AssetKeyTable.update().where(AssetKeyTable.c.id.in_(ids)).values(values))
    newest = (
        db.select(_EVENTS.c.run_id)
        .where(
            _EVENTS.c.asset_key == AssetKeyTable.c.asset_key,
            _EVENTS.c.dagster_event_type.in_(
                [
                    dg.DagsterEventType.ASSET_MATERIALIZATION.value,
                    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
                ]
            ),
        )
        .order_by(_EVENTS.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(AssetKeyTable.update().values(last_run_id=newest))


def _is_partition(author: str) -> db.ColumnElement[bool]:
    table = DynamicPartitionsTable.c
    return (table.partitions_def_name == "author") & (table.partition == author)


def _is_tag(author: str) -> db.ColumnElement[bool]:
    """Return the condition of a tag that is the author, or ends so, as a sensor's run key does."""
    value = RunTagsTable.c.value
    return (value == author) | value.endswith(f":{author}", autoescape=True)
