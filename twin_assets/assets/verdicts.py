"""What the checks said of each materialization, read from the Dagster instance."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from sqlalchemy import and_, select

from twin_assets.assets.dagster_storages import event_storage
from twin_assets.assets.provenance import MOST_VARIABLES, batches, naming_version
from twin_assets.errors import IndexCorruptedError
from twin_assets.event_text import read_text
from twin_assets.stores import BACKENDS, VectorStore

INDEX_CHECK = "index_holds_windows"
# The check of each asset that must pass before anything is made of it.
GATES: Mapping[str, str] = {
    "chunks": "chunks_cover_text",
    "windows": "windows_hold_every_token",
    "embeddings": "vectors_are_sound",
    **dict.fromkeys([f"{backend}_index" for backend in BACKENDS], INDEX_CHECK),
}
_FAILED = AssetCheckExecutionRecordStatus.FAILED


def refused_materializations(
    instance: dg.DagsterInstance, asset: str, among: Collection[int]
) -> set[int]:
    """Return which of the asset's materializations its gate failed on last, by storage id."""
    if asset not in GATES:
        return set()
    said = said_of(instance, dg.AssetCheckKey(dg.AssetKey(asset), GATES[asset]), among)
    return {storage_id for storage_id, verdict in said.items() if not verdict.passed}


@dataclass(frozen=True, slots=True)
class Said:
    """What a check said of a materialization, and the text of the event that says so."""

    passed: bool
    event: str

    @property
    def reason(self) -> str:
        """Why, in a line."""
        said = read_text(self.event)["dagster_event"]["event_specific_data"]
        return said["description"] or ""


def said_of(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, storage_ids: Collection[int]
) -> dict[int, Said]:
    """Return what the check said last of each of these materializations, by their storage ids.

    Dagster's own interface reads the check's whole history for that.
    """
    found: dict[int, Said] = {}
    events, table = event_storage(instance), AssetCheckExecutionsTable.c
    event, number = SqlEventLogStorageTable, table.evaluation_event_storage_id
    given = (table.materialization_event_storage_id, table.execution_status, table.evaluation_event)
    for some in batches(sorted(storage_ids), MOST_VARIABLES):
        query = (
            select(*given)
            # of a deleted run the row stays and the event goes, whose number may be given again
            .join(event, and_(event.c.id == number, event.c.run_id == table.run_id))
            .where(
                table.asset_key == check.asset_key.to_string(),
                table.check_name == check.name,
                table.materialization_event_storage_id.in_(some),
                table.partition.is_not(None),  # a run's verdict over several names one of them
            )
            .order_by(table.id)
        )
        with events.index_connection() as connection:
            rows = connection.execute(query).all()
        found |= {made: Said(status != _FAILED.value, text) for made, status, text in rows}
    return found


def why_not_served(
    instance: dg.DagsterInstance, store: VectorStore, author: str, version: str
) -> str | None:
    """Return why the published version may not answer, or None when it may."""
    index = f"{store.name}_index"
    voucher = naming_version(instance, index, author, version)
    if voucher is None:
        return "no materialization vouches for it"
    if refused_materializations(instance, index, [voucher.storage_id]):
        return "its check failed"
    try:
        store.verify(author, version)
    except IndexCorruptedError as error:
        return str(error)
    return None
