"""What only the store on a MongoDB server has: a server that may be away, and a password."""

import gc
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import bson
import pytest
from builders import ADA, raw_document
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri
from refusing_server import refusing_server

from twin_assets.documents import Author, Category, RawDocument
from twin_assets.errors import BadInputError, StorageError, StorageUnavailableError, TwinError
from twin_assets.raw_store import UpsertCounts
from twin_assets.raw_store.mongo import MongoRawStore
from twin_assets.raw_store.mongo_link import MongoLink
from twin_assets.raw_store.mongo_rows import batches, document_row

BOB = Author("bob", "Bob")
USER, PASSWORD, ENCODED = "maud", "p@ss/w:rd%5", "p%40ss%2Fw%3Ard%255"


@pytest.fixture
def store(mongo_link: str) -> Iterator[MongoRawStore]:
    with closing(MongoRawStore(mongo_link)) as store:
        store.put_author(ADA)
        store.put_author(BOB)
        yield store


@pytest.fixture
def database(mongo_link: str) -> Iterator[Any]:
    """The store's database, seen by another program."""
    with MongoClient[dict[str, Any]](mongo_link) as client:
        yield client.get_default_database()


def everything_of(error: BaseException) -> str:
    """Return all that a log or a screen would show of the error, its causes included."""
    shown = [str(error), repr(error)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " ".join(shown + ([everything_of(cause)] if cause else []))


def assert_secret_free(text: str) -> None:
    assert not [
        part for part in (USER, PASSWORD, ENCODED, "p@ss", "p%40ss", "w:rd") if part in text
    ]


def test_collections_and_indexes_are_those_of_the_design(
    store: MongoRawStore, database: Any
) -> None:
    store.upsert([raw_document(category=category) for category in Category])
    for name in ("articles", "posts", "repositories", "visits"):
        indexes = database[name].index_information().values()
        assert [("author", 1), ("link", 1)] in [i["key"] for i in indexes if i.get("unique")]
    assert [("revision", 1)] in [i["key"] for i in database["users"].index_information().values()]


def test_an_unchanged_document_costs_no_write(store: MongoRawStore, database: Any) -> None:
    store.upsert([raw_document()])

    def everything() -> dict[str, list[Any]]:
        return {
            name: list(database[name].find()) for name in sorted(database.list_collection_names())
        }

    before = everything()
    assert store.upsert([raw_document()]) == UpsertCounts(unchanged=1)
    assert store.mark_gone("ada", ["https://a.com/unknown"]) == 0
    assert everything() == before


class Interrupted:
    """A collection in which something else happens just before the first ``update_one``."""

    def __init__(self, collection: Any, meanwhile: Callable[[], object]) -> None:
        self._collection, self._meanwhile = collection, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    def update_one(self, *args: Any, **options: Any) -> Any:
        if self._meanwhile:
            self._meanwhile.pop()()
        return self._collection.update_one(*args, **options)


def test_a_reader_misses_no_writer_that_another_one_overtook(
    store: MongoRawStore, mongo_link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    with closing(MongoRawStore(mongo_link)) as slow:

        def overtake() -> None:  # when the slow writer has its number, and has not given it yet
            store.upsert([raw_document(author="bob")])
            seen.update(store.changed_since(0))

        monkeypatch.setattr(slow, "_users", Interrupted(slow._users, overtake))
        slow.upsert([raw_document(author="ada")])
    assert seen == {"bob": store.revision("bob")}
    assert store.changed_since(seen["bob"]) == {"ada": store.revision("ada")}


def test_what_a_dead_writer_wrote_is_found_at_the_next_upsert(
    store: MongoRawStore, mongo_link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    with closing(MongoRawStore(mongo_link)) as dying:
        monkeypatch.setattr(dying, "_users", Interrupted(dying._users, die))
        with pytest.raises(KeyboardInterrupt):
            dying.upsert([raw_document()])
    assert len(list(store.documents("ada"))) == 1
    assert store.changed_since(0) == {}
    assert store.upsert([raw_document()]) == UpsertCounts(unchanged=1)
    revision = store.revision("ada")
    assert store.changed_since(0) == {"ada": revision}
    assert store.upsert([raw_document()]) == UpsertCounts(unchanged=1)
    assert store.revision("ada") == revision


def test_a_document_left_in_two_collections_is_in_one_after_its_upsert(
    store: MongoRawStore, database: Any
) -> None:
    document = raw_document()
    store.upsert([document])
    database["posts"].insert_one(document_row(replace(document, category=Category.POST)))
    assert store.upsert([document]) == UpsertCounts(changed=1)
    assert list(store.documents("ada")) == [document]


def test_a_document_larger_than_mongodb_takes_costs_no_other(store: MongoRawStore) -> None:
    documents = [raw_document(f"https://a.com/{n}") for n in range(3)]
    documents[1] = replace(documents[1], text="é" * 8 * 2**20)
    with pytest.raises(
        StorageError, match=r"15 MB a document: https://a\.com/1\. .*stored"
    ) as caught:
        store.upsert(documents)
    assert "\n" not in str(caught.value)
    assert list(store.documents("ada")) == [documents[0], documents[2]]
    assert store.changed_since(0) == {"ada": store.revision("ada")}


def test_batches_are_bounded_in_number_and_size() -> None:
    def documents(number: int, size: int) -> Iterator[RawDocument]:
        for n in range(number):
            yield raw_document(f"https://a.com/{n}", "é" * (size // 2))

    def sizes(number: int, size: int) -> list[int]:
        made = list(batches(map(document_row, documents(number, size)), []))
        assert all(sum(len(bson.encode(row)) for row in b) < 4 * 2**20 for b in made if len(b) > 1)
        return [len(batch) for batch in made]

    assert sizes(250, 10) == [100, 100, 50]
    assert sizes(9, 2**20) == [3, 3, 3]
    assert sizes(2, 10 * 2**20) == [1, 1]
    assert sizes(0, 0) == []


@pytest.mark.parametrize("password", ["", f"{USER}:{ENCODED}@"])
def test_a_server_that_is_away_is_one_line_with_host_and_port(
    password: str, caplog: pytest.LogCaptureFixture, unused_port: int
) -> None:
    caplog.set_level(logging.DEBUG)
    link = f"mongodb://{password}127.0.0.1:{unused_port}/twin?serverSelectionTimeoutMS=200"
    with pytest.raises(StorageUnavailableError) as caught:
        MongoRawStore(link)
    gc.collect()  # a client that was left open would warn here
    text = str(caught.value)
    assert f"127.0.0.1:{unused_port}" in text
    assert "no server answers" in text
    assert "\n" not in text
    assert len(text) < 250
    assert_secret_free(everything_of(caught.value) + caplog.text)


def test_a_wrong_password_is_said_and_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        refusing_server(18, "Authentication failed.") as port,
        pytest.raises(StorageError, match="refuses the user name or the password") as caught,
    ):
        MongoRawStore(f"mongodb://{USER}:{ENCODED}@127.0.0.1:{port}/twin")
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert_secret_free(everything_of(caught.value) + caplog.text)


def test_a_server_that_repeats_the_password_is_not_quoted_with_it() -> None:
    said = f"no: '{ENCODED}' is {PASSWORD}\nin mongodb://{USER}:{ENCODED}@host"
    with (
        refusing_server(8000, said) as port,
        pytest.raises(
            StorageError, match=r"no: '\*\*\*' is \*\*\* in mongodb://\*\*\*@host"
        ) as caught,
    ):
        MongoRawStore(f"mongodb://{USER}:{ENCODED}@127.0.0.1:{port}/twin")
    assert_secret_free(everything_of(caught.value))


@pytest.mark.parametrize(
    "rest",
    [
        f"{USER}:{PASSWORD}@127.0.0.1/twin",
        f"{USER}:27/{PASSWORD}@127.0.0.1",
        f"{USER}:27?a={PASSWORD}@127.0.0.1",
        f"{USER}:27#{PASSWORD}@127.0.0.1",
        f"{USER}:%zz@127.0.0.1",
        f"{USER}:{ENCODED}@127.0.0.1:99999",
        f"{USER}:{ENCODED}@127.0.0.1:port",
        f"{USER}:{ENCODED}@[::1",
        f"{USER}:{ENCODED}@",
        f"{USER}:{ENCODED}@127.0.0.1/twin?tls=maybe",
        f"{USER}:{ENCODED}@127.0.0.1/twin?{ENCODED}=1",
        f"{USER}:{ENCODED}@127.0.0.1/twin?authMechanism={ENCODED}",
        f"{USER}:{ENCODED}@127.0.0.1,127.0.0.2/twin?directConnection=true",
        f"{USER}:{ENCODED}@127.0.0.1/tw in",
        "",
        "/",
    ],
)
def test_a_link_that_cannot_be_read_is_said_and_not_repeated(
    rest: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadInputError, match="TWIN_RAW_STORE") as caught:
        MongoRawStore(f"mongodb://{rest}")
    assert "\n" not in str(caught.value)
    assert_secret_free(everything_of(caught.value) + caplog.text)


def test_a_server_that_stops_while_the_store_is_open_is_one_line() -> None:
    with refusing_server(None, "") as port:
        store = MongoRawStore(f"mongodb://127.0.0.1:{port}/twin?serverSelectionTimeoutMS=200")
    with (
        closing(store),
        pytest.raises(TwinError, match=f"127.0.0.1:{port} cannot be used: ") as caught,
    ):
        list(store.documents("ada"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "name"), [("", "twin"), ("/", "twin"), ("/mine", "mine"), ("/mine?w=1", "mine")]
)
def test_the_database_is_the_link_s_or_twin(path: str, name: str) -> None:
    link = MongoLink(f"mongodb://127.0.0.1:1{path}")
    with link.open() as client:
        database = link.database(client)
        assert database.name == name
        assert database.write_concern.document == {"w": "majority"}


def test_timeouts_are_short_unless_the_link_names_them() -> None:
    with MongoLink("mongodb://127.0.0.1:1").open() as client:
        assert client.options.server_selection_timeout == 5
        assert client.options.pool_options.socket_timeout == 60
    with MongoLink("mongodb://127.0.0.1:1/?serverselectiontimeoutms=300").open() as client:
        assert client.options.server_selection_timeout == 0.3
        assert client.options.pool_options.connect_timeout == 5


def test_several_hosts_are_all_named() -> None:
    link = f"mongodb://{USER}:{ENCODED}@127.0.0.1:1,[::1]:2/?replicaSet=r"
    assert parse_uri(link)["password"] == PASSWORD
    assert MongoLink(link).place == "127.0.0.1:1,[::1]:2"


def test_nothing_but_an_open_store_needs_pymongo(tmp_path: Path) -> None:
    code = (
        "import sys, twin_serving.cli, twin_assets.definitions, twin_assets.raw_store.sqlite\n"
        "print([name for name in ('pymongo', 'bson') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == "[]"
