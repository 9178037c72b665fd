"""Dagster's storage on Postgres, as ``deploy/dagster.yaml`` names it."""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)
from sqlalchemy.pool import QueuePool

from twin_assets.event_batches import BatchedEventLog


class PostgresEventLog(BatchedEventLog, PostgresEventLogStorage):
    """Postgres' event log, where a batch costs one transaction."""

    def dispose(self) -> None:
        """Close the connections."""
        super().dispose()
        self._engine.dispose()


class PostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules on Postgres, over one connection that stays open.

    Dagster's own opens one for every statement, which is most of what a statement costs: a tick of
    the automation on two authors opens 2,000. More are opened while several threads ask at once.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: Any = None,
    ) -> None:
        """See :class:`DagsterPostgresStorage`."""
        super().__init__(postgres_url, should_autocreate_tables, inst_data, token_provider)
        events = PostgresEventLog(
            postgres_url,
            should_autocreate_tables=False,  # they are there by now
            token_provider=token_provider,
        )
        self._event_log_storage = events
        engine = create_pg_engine(
            postgres_url,
            token_provider,
            isolation_level="AUTOCOMMIT",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=-1,
            pool_pre_ping=True,  # a server that was started again has forgotten the connection
            executemany_mode="values_plus_batch",  # else each verdict's deletion is a round trip
        )
        for storage in (events, self._run_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PostgresStorage":
        """Return the storage that ``dagster.yaml`` describes."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(config_value),
        )
