"""Many events of a run in few writes, whichever database Dagster keeps them in."""

import os
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    DagsterEvent,
    DagsterEventBatchMetadata,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy.engine import Connection

from twin_assets.event_rows import (
    Row,
    an_instant_each,
    planned_rows,
    put_verdicts,
    rows_of,
    verdict_row,
)

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster batches only where this is set
MOST = "500"

Event = dg.AssetMaterialization | dg.AssetCheckEvaluation


class BatchedEventLog(SqlEventLogStorage):
    """A SQL event log, where a batch of events of assets and checks costs one transaction.

    Dagster's own write most kinds one by one, each in some transactions of its own.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """See the storage that this is mixed into."""
        self._tables: set[str] = set()
        os.environ.setdefault(BATCH_SIZE, MOST)
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    def has_table(self, table_name: str) -> bool:
        """Tell whether the index has the table; one that is there stays there."""
        if (
            table_name not in self._tables and super().has_table(table_name)  # type: ignore[safe-super]
        ):
            self._tables.add(table_name)
        return table_name in self._tables

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events, all or none of them in what Dagster looks them up by."""
        kinds = {event.dagster_event_type for event in events}
        if not kinds <= ASSET_EVENTS | ASSET_CHECK_EVENTS:
            super().store_event_batch(events)
            return
        events = an_instant_each(events)
        self.store_rows(events, rows_of(events, self._event_to_row))

    def store_rows(self, events: Sequence[EventLogEntry], rows: Sequence[Row]) -> None:
        """Store the events, which are of assets and checks, and have these rows."""
        column = SqlEventLogStorageTable.c.id
        insert = SqlEventLogStorageTable.insert().returning(column, sort_by_parameter_order=True)
        with self.index_transaction() as connection:
            ids = connection.execute(insert, rows).scalars().all()
            self._mark(connection, events, rows, ids)

    def _mark(
        self,
        connection: Connection,
        events: Sequence[EventLogEntry],
        rows: Sequence[Row],
        ids: Sequence[int],
    ) -> None:
        """Store what Dagster looks the events up by."""
        of_assets: list[tuple[EventLogEntry, int]] = []
        planned: list[Row] = []
        verdicts: list[Row] = []
        for event, row, storage_id in zip(events, rows, ids, strict=True):
            match event.dagster_event_type:
                case dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                    planned += planned_rows(event, row, storage_id)
                case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                    verdicts.append(verdict_row(event, row, storage_id))
                case _:
                    of_assets.append((event, storage_id))
        if of_assets:
            self._store_asset_event_tags(connection, *zip(*of_assets, strict=True))
        latest = {  # an asset's own row tells of its last event only
            (event.dagster_event_type, event.get_dagster_event().asset_key): (event, storage_id)
            for event, storage_id in of_assets
        }
        for event, storage_id in latest.values():
            self._store_asset_event(connection, event, storage_id)
        if planned:
            connection.execute(AssetCheckExecutionsTable.insert(), planned)
        if verdicts:
            put_verdicts(connection, verdicts)


def log_events(context: dg.OpExecutionContext, events: Sequence[Event]) -> None:
    """Log the events of a step, as ``context.log_event`` does one; in as few writes as may be.

    They reach the event log, and not the events that the step yields.
    """
    step = context.get_step_execution_context()
    batch_id = str(uuid4())
    checks = any(isinstance(event, dg.AssetCheckEvaluation) for event in events)
    # Dagster's own Postgres storage writes batches of materializations, and none of verdicts
    batched = isinstance(context.instance.event_log_storage, BatchedEventLog) or not checks
    for number, event in enumerate(events, start=1):
        batch = DagsterEventBatchMetadata(batch_id, number == len(events)) if batched else None
        if isinstance(event, dg.AssetMaterialization):
            DagsterEvent.asset_materialization(step, event, batch)
        else:
            DagsterEvent.from_step(
                dg.DagsterEventType.ASSET_CHECK_EVALUATION, step, event, batch_metadata=batch
            )
