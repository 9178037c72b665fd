"""Dagster's event log in the home: SQLite, with many events written in one transaction."""

import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
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
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection

_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster batches only where this is set
_MOST = "500"

Event = dg.AssetMaterialization | dg.AssetCheckEvaluation


class HomeEventLog(SqliteEventLogStorage):
    """SQLite's event log, where a batch costs one transaction for the run and one for the index.

    Dagster's own writes the events of a batch one by one, each through new connections: about
    26 ms an event. Runs over many authors plan and record thousands.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """See :class:`SqliteEventLogStorage`; ``dagster.yaml`` names the folder."""
        self._held = threading.local()
        os.environ.setdefault(_BATCH_SIZE, _MOST)
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "HomeEventLog":
        """Return the event log that ``dagster.yaml`` describes."""
        return cls(inst_data=inst_data, **config_value)

    def index_connection(self) -> AbstractContextManager[Connection]:
        """Connect to the events of all runs; within a batch, by the batch's connection."""
        held = getattr(self._held, "connection", None)
        return super().index_connection() if held is None else nullcontext(held)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events, all or none of them in the index."""
        if any(
            event.dagster_event_type not in ASSET_EVENTS | ASSET_CHECK_EVENTS for event in events
        ):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        for run_id in {event.run_id for event in events}:
            with self.run_connection(run_id) as connection:
                of_run = [row for row in rows if row["run_id"] == run_id]
                connection.execute(SqlEventLogStorageTable.insert(), of_run)
        with super().index_connection() as connection:
            self._held.connection = connection
            try:
                self._store_in_index(connection, events, rows)
            finally:
                self._held.connection = None

    def _store_in_index(
        self,
        connection: Connection,
        events: Sequence[EventLogEntry],
        rows: Sequence[dict[str, object]],
    ) -> None:
        column = SqlEventLogStorageTable.c.id
        insert = SqlEventLogStorageTable.insert().returning(column, sort_by_parameter_order=True)
        ids = list(connection.execute(insert, rows).scalars())
        of_assets = [
            (event, storage_id)
            for event, storage_id in zip(events, ids, strict=True)
            if event.dagster_event_type in ASSET_EVENTS
        ]
        if of_assets:
            self._store_asset_event_tags(connection, *zip(*of_assets, strict=True))
        latest = {
            (event.dagster_event_type, event.get_dagster_event().asset_key): (event, storage_id)
            for event, storage_id in of_assets
        }
        for event, storage_id in latest.values():  # an asset's row tells of its last event only
            self._store_asset_event(connection, event, storage_id)
        for event, storage_id in zip(events, ids, strict=True):
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, storage_id)


def log_events(context: dg.OpExecutionContext, events: Sequence[Event]) -> None:
    """Log the events of a step, as ``context.log_event`` does one; in as few writes as may be.

    They reach the event log, and not the events that the step yields.
    """
    step = context.get_step_execution_context()
    batch_id = str(uuid4())
    checks = any(isinstance(event, dg.AssetCheckEvaluation) for event in events)
    # Dagster's Postgres storage writes batches of materializations, and none of verdicts
    batched = isinstance(context.instance.event_log_storage, HomeEventLog) or not checks
    for number, event in enumerate(events, start=1):
        batch = DagsterEventBatchMetadata(batch_id, number == len(events)) if batched else None
        if isinstance(event, dg.AssetMaterialization):
            DagsterEvent.asset_materialization(step, event, batch)
        else:
            DagsterEvent.from_step(
                dg.DagsterEventType.ASSET_CHECK_EVALUATION, step, event, batch_metadata=batch
            )
