"""Dagster's storage on a real Postgres: its connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import dagster as dg
import sqlalchemy as db
from sqlalchemy.engine import Connection

from twin_assets.postgres_storage import PostgresEventLog

KEYS = [f"author-{number}" for number in range(50)]


def ask(instance: dg.DagsterInstance, query: str) -> object:
    storage = instance.event_log_storage
    assert isinstance(storage, PostgresEventLog)
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


def sessions(instance: dg.DagsterInstance, server: str) -> int:
    """Return how many connections there are to the instance's database."""
    storage = instance.event_log_storage
    assert isinstance(storage, PostgresEventLog)
    name = storage.postgres_url.rpartition("/")[2]
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name"
    with asking(server) as other:
        return int(other.execute(db.text(query), {"name": name}).scalar_one())


@contextmanager
def asking(server: str) -> Iterator[Connection]:
    """Connect to another database of the server."""
    engine = db.create_engine(f"{server}/postgres".replace(":", "+psycopg2:", 1))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_one_connection_stays_open_until_the_instance_ends(
    postgres_instance: dg.DagsterInstance, postgres_server: str
) -> None:
    work(postgres_instance)
    first = ask(postgres_instance, "SELECT pg_backend_pid()")
    work(postgres_instance)
    assert ask(postgres_instance, "SELECT pg_backend_pid()") == first
    assert sessions(postgres_instance, postgres_server) == 1
    postgres_instance.dispose()
    wait_for_none(postgres_instance, postgres_server)


def wait_for_none(instance: dg.DagsterInstance, server: str) -> None:
    """The server notices a moment later that a connection was closed."""
    deadline = monotonic() + 30
    while sessions(instance, server) and monotonic() < deadline:
        sleep(0.05)
    assert sessions(instance, server) == 0


def test_the_webserver_gives_it_connections_of_its_own(
    postgres_instance: dg.DagsterInstance,
) -> None:
    postgres_instance.optimize_for_webserver(
        statement_timeout=10_000, pool_recycle=3600, max_overflow=20
    )
    work(postgres_instance)
    assert ask(postgres_instance, "SHOW statement_timeout") == "10s"


def test_a_connection_that_the_server_closed_is_opened_anew(
    postgres_instance: dg.DagsterInstance, postgres_server: str
) -> None:
    work(postgres_instance)
    mine = ask(postgres_instance, "SELECT pg_backend_pid()")
    with asking(postgres_server) as other:
        assert other.execute(db.text(f"SELECT pg_terminate_backend({mine})")).scalar()
    work(postgres_instance)
    assert ask(postgres_instance, "SELECT pg_backend_pid()") != mine
