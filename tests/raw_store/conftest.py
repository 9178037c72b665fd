"""The raw stores that the tests of this folder run against.

``mongo`` is nx-27017, a stand-in for mongod that speaks its wire protocol over a real socket; large
messages break it. ``mongod`` is a real server, named by TWIN_TEST_MONGO_URI (on 127.0.0.1, since
tests reach no further; with an authSource, if it has users).
"""

import os
import socket
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from builders import ADA
from pymongo import MongoClient
from store_values import BOB

from twin_assets.raw_store import RawStore
from twin_assets.raw_store.mongo import MongoRawStore
from twin_assets.raw_store.sqlite import SqliteRawStore

# Read while tests are collected: the environment is cleared before they run.
MONGOD = os.environ.get("TWIN_TEST_MONGO_URI", "")
SERVERS = [
    "mongo",
    pytest.param(
        "mongod",
        marks=pytest.mark.skipif(not MONGOD, reason="needs a mongod (set TWIN_TEST_MONGO_URI)"),
    ),
]

Connect = Callable[[], RawStore]


def _unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def unused_port() -> int:
    """A port that nothing listens on."""
    return _unused_port()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The link of a running stand-in for mongod."""
    folder = tmp_path_factory.mktemp("nx-27017")
    port = _unused_port()
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
def empty_database(server: str) -> Iterator[str]:
    """Yield the link of a new database on the server, which is dropped in the end."""
    name = f"twin_test_{uuid4().hex}"
    link = urlsplit(server)._replace(path=f"/{name}").geturl()
    yield link
    with MongoClient[dict[str, object]](link) as client:
        client.drop_database(name)


@pytest.fixture(params=SERVERS)
def mongo_link(request: pytest.FixtureRequest) -> Iterator[str]:
    """The link of an empty database, on the stand-in and on a real server."""
    server = MONGOD if request.param == "mongod" else request.getfixturevalue("stand_in")
    with empty_database(server) as link:
        yield link


@pytest.fixture(params=["sqlite", *SERVERS])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """A function that opens the same store, empty at first, once more."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            make: Connect = partial(SqliteRawStore, tmp_path / "home" / "raw.db")
        else:
            server = MONGOD if request.param == "mongod" else request.getfixturevalue("stand_in")
            make = partial(MongoRawStore, stack.enter_context(empty_database(server)))

        def connect() -> RawStore:
            return stack.enter_context(closing(make()))

        yield connect


@pytest.fixture
def store(connect: Connect) -> RawStore:
    """An open store that knows two authors."""
    store = connect()
    store.put_author(ADA)
    store.put_author(BOB)
    return store
