"""Runs that are long over and that nothing rests on any more: Dagster keeps every run for ever."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from sqlalchemy import func, select

from twin_assets.assets.dagster_storages import Storages, event_storage
from twin_assets.assets.provenance import (
    INDEX_VERSION,
    INPUT_EVENT,
    MOST_VARIABLES,
    batches,
    event_texts,
    run_ids_of,
    tags_in,
)
from twin_assets.stores import VectorStore

_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION
_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_HISTORY = 50  # materializations of an asset without partitions, which are compared and plotted


@dataclass(frozen=True, slots=True)
class OldRuns:
    """The ids of runs that are over: those that may go, and those that something rests on."""

    removable: tuple[str, ...]
    needed: tuple[str, ...]


def old_runs(
    instance: dg.DagsterInstance, before: datetime, stores: Iterable[VectorStore]
) -> OldRuns:
    """Return the runs that had ended before then, and which of them are needed.

    Needed are the runs of the newest materialization of each partition and of what it came from,
    of the newest attempt where that failed, of the last fifty materializations of an asset without
    partitions, of whatever made or vouches for an index version that is kept, and of the verdicts
    on all of these. Without them somebody would be stale, or not be served, or be so without a
    trace of why.

    Args:
        instance: the home's Dagster instance.
        before: an aware time.
        stores: the index backends whose versions are kept.

    Raises:
        StorageError: the instance keeps its events in no SQL database.
    """
    over = dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before)
    old = instance.get_run_ids(over)
    needed = _needed_runs(instance, stores) if old else set()
    return OldRuns(
        tuple(run_id for run_id in old if run_id not in needed),
        tuple(run_id for run_id in old if run_id in needed),
    )


def remove_runs(instance: dg.DagsterInstance, run_ids: Collection[str]) -> Iterator[str]:
    """Remove the runs with their events, verdicts and output; yield each that is gone.

    A run's own record goes last, so that after an interruption the rest is found again.

    Raises:
        StorageError: the instance keeps its events in no SQL database.
    """
    storages, verdicts = Storages.of(instance), AssetCheckExecutionsTable
    with storages.index() as connection:
        for some in batches(list(run_ids), MOST_VARIABLES):
            connection.execute(verdicts.delete().where(verdicts.c.run_id.in_(some)))
    try:
        for run_id in run_ids:
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            storages.events.delete_events(run_id)
            instance.delete_run(run_id)
            yield run_id
    finally:
        storages.remove_orphans()


def _needed_runs(instance: dg.DagsterInstance, stores: Iterable[VectorStore]) -> set[str]:
    events: set[int] = set()
    runs = _newest_runs(instance)
    for record in instance.get_asset_records():
        key = record.asset_entry.asset_key
        runs |= {record.asset_entry.last_run_id or ""}
        made, planned = (
            instance.event_log_storage.get_latest_storage_id_by_partition(key, kind)
            for kind in (_MADE, _PLANNED)
        )
        events |= set(made.values())
        events |= {attempt for name, attempt in planned.items() if attempt > made.get(name, 0)}
        history = instance.fetch_materializations(key, limit=_HISTORY).records
        if any(one.partition_key is None for one in history):
            runs |= {one.run_id for one in history}
    for store in stores:
        versions = [version for author in store.authors() for version in store.versions(author)]
        runs |= {version.run_id for version in versions}
        runs |= {source.run_id for version in versions for source in version.upstream}
        named = {(version.author.slug, version.version) for version in versions}
        events |= set(_vouchers(instance, f"{store.name}_index", named))
    events = _with_inputs(instance, events)
    runs |= {run_id for _, run_id in run_ids_of(instance, events)}
    return runs | _runs_of_verdicts(instance, events)


def _newest_runs(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs of the newest run, event and verdict.

    SQLite gives the number of a removed last row again, and cursors are such numbers.
    """
    runs = {record.dagster_run.run_id for record in instance.get_run_records(limit=1)}
    with event_storage(instance).index_connection() as connection:
        for table in (SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c):
            query = select(table.run_id).order_by(table.id.desc()).limit(1)
            runs |= set(connection.scalars(query))
    return runs


def _vouchers(
    instance: dg.DagsterInstance, index: str, versions: set[tuple[str, str]]
) -> Iterator[int]:
    """Yield the newest materialization that names each of the versions, (author, version)."""
    left, event = set(versions), SqlEventLogStorageTable.c
    query = (
        select(event.id, event.partition, event.event)
        .where(event.asset_key == dg.AssetKey(index).to_string())
        .where(event.dagster_event_type == _MADE.value)
        .order_by(event.id.desc())
    )
    with event_storage(instance).index_connection() as connection:
        for storage_id, author, text in connection.execute(query).yield_per(MOST_VARIABLES):
            if not left:
                break
            name = author, tags_in(text).get(INDEX_VERSION, "")
            if name in left:
                left.remove(name)
                yield storage_id


def _with_inputs(instance: dg.DagsterInstance, events: set[int]) -> set[int]:
    """Return the events with those that they came from, and those that these came from."""
    found: set[int] = set()
    new = set(events)
    while new:
        found |= new
        inputs = {
            value
            for _, text in event_texts(instance, new)
            for tag, value in tags_in(text).items()
            if tag.startswith(INPUT_EVENT)
        }
        new = {int(value) for value in inputs if value.isdecimal()} - found
    return found


def _runs_of_verdicts(instance: dg.DagsterInstance, materializations: set[int]) -> set[str]:
    """Return the runs of every verdict on these, and of the last one of each check."""
    table = AssetCheckExecutionsTable.c
    last = select(func.max(table.id)).group_by(table.asset_key, table.check_name, table.partition)
    with event_storage(instance).index_connection() as connection:
        found = set(connection.scalars(select(table.run_id).where(table.id.in_(last))))
        for some in batches(sorted(materializations), MOST_VARIABLES):
            of_these = table.materialization_event_storage_id.in_(some)
            found |= set(connection.scalars(select(table.run_id).where(of_these)))
    return found
