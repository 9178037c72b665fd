"""The MongoDB servers that tests run against, and empty databases on them.

``mongo`` is nx-27017, a stand-in for mongod that speaks its wire protocol over a real socket; large
messages break it. ``mongod`` is a real server, named by TWIN_TEST_MONGO_URI (on 127.0.0.1, since
tests reach no further; with an authSource, if it has users).
"""

import os
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from pymongo import MongoClient

# Read while tests are collected: the environment is cleared before they run.
_MONGOD = os.environ.get("TWIN_TEST_MONGO_URI", "")
SERVERS = [
    "mongo",
    pytest.param(
        "mongod",
        marks=pytest.mark.skipif(not _MONGOD, reason="needs a mongod (set TWIN_TEST_MONGO_URI)"),
    ),
]


def find_unused_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def unused_port() -> int:
    """A port that nothing listens on."""
    return find_unused_port()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The link of a running stand-in for mongod."""
    folder = tmp_path_factory.mktemp("nx-27017")
    port = find_unused_port()
    command = [str(Path(sysconfig.get_path("scripts")) / "nx-27017"), "-p", str(port)]
    command += ["--host", "127.0.0.1", "--data-dir", str(folder / "data")]
    command += ["--log-file", str(folder / "log"), "--pid-file", str(folder / "pid")]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        link = f"mongodb://127.0.0.1:{port}"
        with MongoClient[dict[str, object]](link, serverSelectionTimeoutMS=30_000) as client:
            client.admin.command("ping")
        yield link
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def empty_database(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the link of a new database on one of SERVERS; it is dropped in the end."""
    name = f"twin_test_{uuid4().hex}"
    running = _MONGOD if server == "mongod" else request.getfixturevalue("stand_in")
    link = urlsplit(running)._replace(path=f"/{name}").geturl()
    yield link
    with MongoClient[dict[str, object]](link) as client:
        client.drop_database(name)
