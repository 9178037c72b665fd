"""A Postgres server of the tests' own, from the programs installed, and instances on it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from mongo_servers import find_unused_port

_OURS = "custom: {{module: twin_assets.postgres_storage, class: PostgresStorage, config: {}}}"
_DAGSTER_S_OWN = "postgres: {}"
_REST = """
telemetry: {enabled: false}
concurrency: {pools: {default_limit: 1, granularity: op}}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
freshness: {enabled: true}
"""


def _programs() -> Path | None:
    """Return the folder with initdb and postgres, of which Debian puts only some on the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    whole = [f for f in folders if (f / "initdb").is_file() and (f / "postgres").is_file()]
    return whole[0] if whole else None


def _as_somebody_else() -> dict[str, Any]:
    """Return the options of a process that is not root's: Postgres refuses to run as root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running server, without a database's name."""
    pytest.importorskip("dagster_postgres", reason="needs dagster-postgres")
    import psycopg2

    programs = _programs()
    if programs is None:
        pytest.skip("needs Postgres (apt-get install postgresql)")
    other, port = _as_somebody_else(), find_unused_port()
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        if other:
            os.chown(folder, other["user"], other["group"])
        quiet: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C"}, **other}
        make = [str(programs / "initdb"), "-D", "data", "-U", "twin", "--auth=trust", "--no-sync"]
        subprocess.run([*make, "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, **quiet)
        options = [
            f"port={port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={folder}",
            "fsync=off",
        ]
        command = [str(programs / "postgres"), "-D", "data"]
        for option in options:
            command += ["-c", option]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, **quiet)
        try:
            url = f"postgresql://twin@127.0.0.1:{port}"
            for _ in range(300):
                try:
                    psycopg2.connect(f"{url}/postgres").close()
                    break
                except psycopg2.OperationalError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield url
        finally:
            process.send_signal(signal.SIGINT)  # it ends without waiting for its clients
            process.wait(20)


@pytest.fixture
def postgres_instance(postgres_server: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that keeps runs, events and schedules in a new Postgres database."""
    with _open(postgres_server, tmp_path / "on-postgres", _OURS) as instance:
        yield instance


@pytest.fixture
def plain_postgres_instance(postgres_server: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One that keeps them as Dagster does by itself."""
    with _open(postgres_server, tmp_path / "plain-postgres", _DAGSTER_S_OWN) as instance:
        yield instance


@contextmanager
def _open(server: str, folder: Path, storage: str) -> Iterator[dg.DagsterInstance]:
    import psycopg2

    name = f"twin_{uuid4().hex}"
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    folder.mkdir()
    # SQLAlchemy's own choice is another driver than Dagster's.
    url = f"{server}/{name}".replace("postgresql:", "postgresql+psycopg2:")
    written = storage.format(f'{{postgres_url: "{url}"}}')
    (folder / "dagster.yaml").write_text(f"storage: {{{written}}}\n{_REST}")
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance
