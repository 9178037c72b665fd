"""Dagster's event log in the home: SQLite, with many events written in one transaction."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as db
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import (
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
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from twin_assets.event_batches import BatchedEventLog
from twin_assets.event_rows import Row

_ENGINES = 8  # the index's, and those of the runs last written or read


class HomeEventLog(BatchedEventLog, SqliteEventLogStorage):
    """SQLite's event log, where a batch costs one transaction for the run and one for the index.

    Dagster's own writes the events of a batch one by one, each through new connections: about
    26 ms an event. Runs over many authors plan and record thousands.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """See :class:`SqliteEventLogStorage`; ``dagster.yaml`` names the folder."""
        self._engine = lru_cache(maxsize=_ENGINES)(self._make_engine)
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

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Return the keys in the order in which they were added: one row, not one a key."""
        table = DynamicPartitionsTable.c
        own = db.select(table.partition).where(table.partitions_def_name == partitions_def_name)
        keys = own.order_by(table.id).subquery()
        with self.index_connection() as connection:
            written = connection.execute(db.select(db.func.json_group_array(keys.c.partition)))
            found: list[str] = orjson.loads(written.scalar_one())
        return found

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

    def store_rows(self, events: Sequence[EventLogEntry], rows: Sequence[Row]) -> None:
        """Store the events in their runs' files too; see :class:`BatchedEventLog`."""
        run_ids = {event.run_id for event in events}
        for run_id in run_ids:
            with self.run_connection(run_id) as connection:
                of_run = [row for row in rows if row["run_id"] == run_id]
                connection.execute(SqlEventLogStorageTable.insert(), of_run)
        super().store_rows(events, rows)
        for run_id in run_ids:
            self.tell_followers(run_id)


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
