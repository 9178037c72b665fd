"""Runs that are long over and that nothing rests on any more: Dagster keeps every run for ever."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from sqlalchemy import func, select

from twin_assets.assets.dagster_storages import Storages, event_storage
from twin_assets.assets.provenance import (
    INDEX_VERSION,
    batches,
    latest_by_author,
    latest_storage_ids,
    naming_version,
    run_ids_of,
)
from twin_assets.stores import VectorStore

_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_BATCH = 500  # ids a statement; SQLite's oldest limit on bound variables is 999


@dataclass(frozen=True, slots=True)
class OldRuns:
    """The ids of runs that are over: those that may go, and those that something rests on."""

    removable: tuple[str, ...]
    needed: tuple[str, ...]


def old_runs(
    instance: dg.DagsterInstance, before: datetime, stores: Iterable[VectorStore]
) -> OldRuns:
    """Return the runs that began before then and have ended, and which of them are needed.

    A run is needed that recorded the newest materialization of an asset or of one of its
    partitions, that vouches for an index version which is kept, or that gave the last verdict on
    one of these. Without it an author would be stale, or would not be served.

    Args:
        instance: the home's Dagster instance.
        before: an aware time.
        stores: the index backends whose versions are kept.

    Raises:
        StorageError: the instance keeps its events in no SQL database.
    """
    old = instance.get_run_ids(dg.RunsFilter(statuses=_ENDED, created_before=before))
    needed = _needed_runs(instance, stores) if old else set()
    return OldRuns(
        tuple(run_id for run_id in old if run_id not in needed),
        tuple(run_id for run_id in old if run_id in needed),
    )


def remove_runs(instance: dg.DagsterInstance, run_ids: Collection[str]) -> Iterator[str]:
    """Remove the runs with their events and what they wrote; yield each that is gone.

    Raises:
        StorageError: the instance keeps its events in no SQL database.
    """
    storages = Storages.of(instance)
    for run_id in run_ids:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        yield run_id
    storages.remove_orphans()


def _needed_runs(instance: dg.DagsterInstance, stores: Iterable[VectorStore]) -> set[str]:
    events: set[int] = set()
    runs: set[str] = set()
    for key in instance.get_asset_keys():
        events |= set(latest_storage_ids(instance, key.to_user_string()).values())
        if entry := instance.get_latest_materialization_event(key):  # one without partitions has it
            runs.add(entry.run_id)
    for store in stores:
        events |= set(_vouchers(instance, store))
    runs |= {run_id for _, run_id in run_ids_of(instance, events)}
    return runs | _runs_of_verdicts(instance, events)


def _vouchers(instance: dg.DagsterInstance, store: VectorStore) -> Iterator[int]:
    """Yield the storage ids of the materializations that vouch for the store's versions."""
    index = f"{store.name}_index"
    newest = latest_by_author(instance, index)
    for author in store.authors():
        named = newest[author].tags.get(INDEX_VERSION) if author in newest else None
        for manifest in store.versions(author):
            if manifest.version == named:
                continue
            if voucher := naming_version(instance, index, author, manifest.version):
                yield voucher.storage_id


def _runs_of_verdicts(instance: dg.DagsterInstance, materializations: set[int]) -> set[str]:
    """Return the runs of every verdict on these, and of the last one of each check."""
    table = AssetCheckExecutionsTable.c
    last = select(func.max(table.id)).group_by(table.asset_key, table.check_name, table.partition)
    with event_storage(instance).index_connection() as connection:
        found = set(connection.scalars(select(table.run_id).where(table.id.in_(last))))
        for some in batches(sorted(materializations), _BATCH):
            of_these = table.materialization_event_storage_id.in_(some)
            found |= set(connection.scalars(select(table.run_id).where(of_these)))
    return found
