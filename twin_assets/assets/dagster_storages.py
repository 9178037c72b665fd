"""The Dagster instance's databases, for what its own interface has no call for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from sqlalchemy.engine import Connection

from twin_assets.errors import StorageError
from twin_assets.sqlite_files import compact


def event_storage(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    """Return where the instance keeps its events.

    Raises:
        StorageError: that is no SQL database.
    """
    events = instance.event_log_storage
    if isinstance(events, SqlEventLogStorage):
        return events
    raise StorageError(
        "The Dagster instance keeps its events in no SQL database. Its dagster.yaml says where it "
        "keeps them."
    )


@dataclass(frozen=True, slots=True)
class Storages:
    """Events, runs and schedules.

    On SQLite each run's events stand in a file of their own, a shard, and those of assets and
    checks once more in the index. On Postgres the index is all there is.
    """

    events: SqlEventLogStorage
    runs: SqlRunStorage
    schedules: SqlScheduleStorage

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> "Storages":
        """Return the instance's storages.

        Raises:
            StorageError: one is no SQL database.
        """
        events, runs = instance.event_log_storage, instance.run_storage
        schedules = instance.schedule_storage
        if (
            isinstance(events, SqlEventLogStorage)
            and isinstance(runs, SqlRunStorage)
            and isinstance(schedules, SqlScheduleStorage)
        ):
            return cls(events, runs, schedules)
        raise StorageError(
            "The Dagster instance keeps its events in no SQL database, so nothing can be removed "
            "from it. Its dagster.yaml says where it keeps them."
        )

    def shards(self) -> list[str]:
        """Return the runs with a file of their own, and the empty name for events of no run."""
        if not isinstance(self.events, SqliteEventLogStorage):
            return []
        runless = Path(self.events.path_for_shard(RUNLESS_RUN_ID)).is_file()
        return [*self.events.get_all_run_ids(), *([RUNLESS_RUN_ID] if runless else [])]

    def shard(self, name: str) -> AbstractContextManager[Connection]:
        """Connect to a shard."""
        return self.events.run_connection(name)

    def index(self) -> AbstractContextManager[Connection]:
        """Connect to the events of all runs."""
        return self.events.index_connection()

    def remove_orphans(self) -> None:
        """Remove the files of deleted runs: Dagster leaves them, with the words in free pages."""
        shards = self.shards()  # read first: a run is on record before it has a file
        known = {*self.runs.get_run_ids(), RUNLESS_RUN_ID}
        if isinstance(self.events, SqliteEventLogStorage):
            for name in set(shards) - known:
                for end in ("", "-wal", "-shm"):
                    Path(self.events.path_for_shard(name) + end).unlink(missing_ok=True)

    def compact(self, shards: list[str]) -> None:
        """Write the files of these shards, the index, the runs and the schedules without gaps.

        Raises:
            StorageError: another process reads one, and so keeps what was removed.
        """
        for connect in self._connections(shards):
            with connect as connection:
                if connection.dialect.name == "sqlite" and not compact(connection.exec_driver_sql):
                    raise StorageError(
                        "Another process reads Dagster's database, and keeps what was removed. "
                        "Wait for it, or end it, and forget the author again."
                    )

    def _connections(self, shards: list[str]) -> Iterator[AbstractContextManager[Connection]]:
        for name in shards:
            yield self.shard(name)
        yield self.index()
        yield self.runs.connect()
        yield self.schedules.connect()
