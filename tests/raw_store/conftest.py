"""The raw stores that the tests of this folder run against."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest
from builders import ADA
from mongo_servers import SERVERS, empty_database
from store_values import BOB

from twin_assets.raw_store import RawStore
from twin_assets.raw_store.mongo import MongoRawStore
from twin_assets.raw_store.sqlite import SqliteRawStore

Connect = Callable[[], RawStore]


@pytest.fixture(params=SERVERS)
def mongo_link(request: pytest.FixtureRequest) -> Iterator[str]:
    """The link of an empty database, on the stand-in and on a real server."""
    with empty_database(request.param, request) as link:
        yield link


@pytest.fixture(params=["sqlite", *SERVERS])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """A function that opens the same store, empty at first, once more."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            make: Connect = partial(SqliteRawStore, tmp_path / "home" / "raw.db")
        else:
            link = stack.enter_context(empty_database(request.param, request))
            make = partial(MongoRawStore, link)

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
