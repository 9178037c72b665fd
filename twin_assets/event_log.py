"""Dagster's event log in the home: SQLite, with many events written in one transaction."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

import dagster as dg
import orjson
import sqlalchemy as db
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    DagsterEvent,
    DagsterEventBatchMetadata,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    DynamicPartitionsTable,
    SqlEventLogStorageMetadata,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.sql import create_engine, get_alembic_config
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._record import copy
from dagster._serdes import ConfigurableClassData, serialize_value
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from twin_assets.event_text import Stored, read_text, write_text

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster batches only where this is set
MOST = "500"
_ENGINES = 8  # the index's, and those of the runs last written or read

Row = Mapping[str, Any]
Event = dg.AssetMaterialization | dg.AssetCheckEvaluation


class HomeEventLog(SqliteEventLogStorage):
    """SQLite's event log, where a batch costs one transaction for the run and one for the index.

    Dagster's own writes the events of a batch one by one, each through new connections: about
    26 ms an event. Runs over many authors plan and record thousands.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """See :class:`SqliteEventLogStorage`; ``dagster.yaml`` names the folder."""
        self._held = threading.local()
        self._tables: set[str] = set()
        self._engine = lru_cache(maxsize=_ENGINES)(self._make_engine)
        os.environ.setdefault(BATCH_SIZE, MOST)
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "HomeEventLog":
        """Return the event log that ``dagster.yaml`` describes."""
        return cls(inst_data=inst_data, **config_value)

    def _make_engine(self, shard: str) -> Engine:
        # The last to close a database writes all of its log back, so it stays open.
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        db.event.listen(engine, "connect", _write_much)
        if shard != INDEX_SHARD_NAME:
            # A run's own log may lose its last lines when the machine dies; the index may not.
            db.event.listen(engine, "connect", _do_not_wait_for_the_disk)
        return engine

    def dispose(self) -> None:
        """Release the files."""
        self._engine.cache_clear()
        super().dispose()

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Make the tables where there are none.

        Dagster's own has Alembic read all of its scripts twice for that, and once where there are.
        """
        with suppress(db.exc.DatabaseError), engine.begin() as connection:
            context = MigrationContext.configure(connection)
            if context.get_current_revision():
                return
            if not for_index_shard:
                SqlEventLogStorageMetadata.create_all(connection)
                context.stamp(_scripts(), "head")
                return
        super()._initdb(engine, for_index_shard)  # which waits where another process is at it

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Connect as Dagster does, but with an engine that knows the statements it compiled."""
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def index_connection(self) -> AbstractContextManager[Connection]:
        """Connect to the events of all runs; within a batch, by the batch's connection."""
        held = getattr(self._held, "connection", None)
        return super().index_connection() if held is None else nullcontext(held)

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Return the keys in the order in which they were added: one row, not one a key."""
        table = DynamicPartitionsTable.c
        own = db.select(table.partition).where(table.partitions_def_name == partitions_def_name)
        keys = own.order_by(table.id).subquery()
        with self.index_connection() as connection:
            written = connection.execute(db.select(db.func.json_group_array(keys.c.partition)))
            found: list[str] = orjson.loads(written.scalar_one())
        return found

    def has_table(self, table_name: str) -> bool:
        """Tell whether the index has the table; one that is there stays there."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event."""
        super().store_event(event)
        self.tell_followers(event.run_id)

    def tell_followers(self, run_id: str) -> None:
        """Touch the run's file, by whose changes the UI's live log follows the run.

        While it is open what is new goes to the log beside it, and for long to nowhere else.
        """
        with suppress(OSError):
            os.utime(self.path_for_shard(run_id))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events, all or none of them in the index."""
        if any(
            event.dagster_event_type not in ASSET_EVENTS | ASSET_CHECK_EVENTS for event in events
        ):
            super().store_event_batch(events)
            return
        events = _an_instant_each(events)
        rows = self._rows(events)
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
        for run_id in {event.run_id for event in events}:
            self.tell_followers(run_id)

    def _rows(self, events: Sequence[EventLogEntry]) -> list[Row]:
        """Return the events' rows, as Dagster's own makes them.

        A run plans thousands of materializations that differ by partition and time alone: of each
        asset's, one is written by Dagster, and the others after it.
        """
        rows: list[Row] = []
        written: dict[Any, tuple[Row, Stored]] = {}
        for event in events:
            said = event.get_dagster_event()
            if not said.is_asset_materialization_planned:
                rows.append(self._event_to_row(event))
                continue
            key = event.run_id, said.step_key, said.asset_key, event.level
            if key not in written:
                first = self._event_to_row(event)
                written[key] = first, read_text(first["event"])
            row, stored = written[key]
            stored["timestamp"] = event.timestamp
            stored["dagster_event"]["event_specific_data"]["partition"] = said.partition
            own = {"partition": said.partition, "timestamp": stored_moment(event.timestamp)}
            rows.append({**row, **own, "event": write_text(stored)})
        return rows

    def _store_in_index(
        self,
        connection: Connection,
        events: Sequence[EventLogEntry],
        rows: Sequence[Row],
    ) -> None:
        column = SqlEventLogStorageTable.c.id
        insert = SqlEventLogStorageTable.insert().returning(column, sort_by_parameter_order=True)
        ids = connection.execute(insert, rows).scalars()
        of_assets: list[tuple[EventLogEntry, int]] = []
        planned: list[Row] = []
        verdicts: list[Row] = []
        for event, row, storage_id in zip(events, rows, ids, strict=True):
            match event.dagster_event_type:
                case dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                    planned += _planned_rows(event, row, storage_id)
                case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                    verdicts.append(_verdict_row(event, row, storage_id))
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


def stored_moment(timestamp: float) -> datetime:
    """Return the time as it stands in a row: of UTC, and not saying so."""
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)


def put_verdicts(connection: Connection, verdicts: Sequence[Row]) -> None:
    """Put the rows of verdicts into the index, each in the place of what planned it."""
    table = AssetCheckExecutionsTable
    keys = ("asset_key", "check_name", "run_id")
    same = [table.c[key] == db.bindparam(f"_{key}") for key in keys]
    partition = table.c.partition
    # Apart, because Postgres has no index for a comparison that takes both.
    for places, is_of in (
        ([row for row in verdicts if row["partition"] is None], partition.is_(None)),
        (
            [row for row in verdicts if row["partition"] is not None],
            partition == db.bindparam("_partition"),
        ),
    ):
        known = [{f"_{key}": row[key] for key in (*keys, "partition")} for row in places]
        if known:
            connection.execute(table.delete().where(*same, is_of), known)
    connection.execute(table.insert(), verdicts)


def _an_instant_each(events: Sequence[EventLogEntry]) -> list[EventLogEntry]:
    """Return the events, no two materializations of an asset in one millisecond.

    The UI's list of an asset's events shows one an instant, and a batch is logged in fewer
    milliseconds than it has authors. Whoever shares one is moved to before the next.
    """
    first: dict[Any, int] = {}  # the asset's earliest millisecond so far
    apart = list(events)
    for at, event in reversed(list(enumerate(events))):
        if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            asset, moment = event.get_dagster_event().asset_key, int(event.timestamp * 1000)
            if moment >= first.get(asset, moment + 1):
                moment = first[asset] - 1
                apart[at] = event._replace(timestamp=(moment + 0.5) / 1000)
            first[asset] = moment
    return apart


def _write_much(connection: sqlite3.Connection, _: object) -> None:
    """Have room for a batch: by default pages are written back and read again meanwhile."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA cache_size=-32768")  # KiB
    connection.execute("PRAGMA wal_autocheckpoint=8192")  # pages of 4 KiB


def _do_not_wait_for_the_disk(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


@lru_cache(maxsize=1)
def _scripts() -> ScriptDirectory:
    """Return the scripts that say which revision the tables are of."""
    return ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__))


def _planned_rows(event: EventLogEntry, row: Row, storage_id: int) -> Iterator[Row]:
    """Yield the rows of a planned check, one a partition.

    Dagster puts the event into each, with the keys of all partitions: their number squared.
    """
    planned = event.get_dagster_event().asset_check_planned_data
    subset = planned.partitions_subset
    alone = event.get_dagster_event()._replace(
        event_specific_data=copy(planned, partitions_subset=None)
    )
    serialized = serialize_value(event._replace(dagster_event=alone))
    for partition in subset.get_partition_keys() if subset else [None]:
        yield {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "partition": partition,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialized,
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": storage_id,
            "materialization_event_storage_id": None,
        }


def _verdict_row(event: EventLogEntry, row: Row, storage_id: int) -> Row:
    said = event.get_dagster_event().asset_check_evaluation_data
    status, target = AssetCheckExecutionRecordStatus, said.target_materialization_data
    return {
        "asset_key": said.asset_key.to_string(),
        "check_name": said.check_name,
        "run_id": event.run_id,
        "partition": said.partition,
        "execution_status": (status.SUCCEEDED if said.passed else status.FAILED).value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": storage_id,
        "materialization_event_storage_id": target.storage_id if target else None,
    }


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
