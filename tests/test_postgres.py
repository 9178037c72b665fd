"""Dagster's storage on a real Postgres: its connections."""

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

KEYS = [f"author-{number}" for number in range(50)]


def ask(instance: dg.DagsterInstance, query: str) -> object:
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        return connection.execute(db.text(query)).scalar()


def work(instance: dg.DagsterInstance) -> None:
    """Let each of the three storages have something to do."""
    instance.add_dynamic_partitions("author", KEYS)
    for key in KEYS:
        instance.report_runless_asset_event(dg.AssetMaterialization("words", partition=key))
        assert instance.get_dynamic_partitions("author") == KEYS
    assert instance.get_runs() == []
    assert instance.all_instigator_state() == []


def test_one_connection_stays_open(postgres_instance: dg.DagsterInstance) -> None:
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    work(postgres_instance)
    first = ask(postgres_instance, "SELECT pg_backend_pid()")
    work(postgres_instance)
    assert ask(postgres_instance, "SELECT pg_backend_pid()") == first
    assert ask(postgres_instance, sessions) == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_connection_that_the_server_closed_is_opened_anew(
    postgres_instance: dg.DagsterInstance, postgres_server: str
) -> None:
    work(postgres_instance)
    mine = ask(postgres_instance, "SELECT pg_backend_pid()")
    engine = db.create_engine(f"{postgres_server}/postgres".replace(":", "+psycopg2:", 1))
    with engine.connect() as other:
        assert other.execute(db.text(f"SELECT pg_terminate_backend({mine})")).scalar()
    engine.dispose()
    work(postgres_instance)
    assert ask(postgres_instance, "SELECT pg_backend_pid()") != mine
