import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from builders import ADA, raw_document
from store_values import BOB, many

from twin_assets.documents import Author, Category, Outcome, RawDocument, Visit
from twin_assets.errors import StorageError
from twin_assets.raw_store import COLLECTIONS, UpsertCounts
from twin_assets.raw_store.sqlite import SqliteRawStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "raw.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteRawStore]:
    store = SqliteRawStore(path)
    store.put_author(ADA)
    store.put_author(BOB)
    yield store
    store.close()


def test_an_unregistered_author_is_refused_and_whole_batches_before_stay(
    store: SqliteRawStore,
) -> None:
    documents = many(700)
    documents[600] = replace(documents[600], author="eve")
    with pytest.raises(StorageError, match="FOREIGN KEY"):
        store.upsert(documents)
    assert sum(store.count("ada").values()) == 500
    assert list(store.documents("eve")) == []
    assert store.upsert(many(700)) == UpsertCounts(new=200, unchanged=500)


def test_readers_work_while_a_writer_writes_and_see_whole_batches(
    store: SqliteRawStore, path: Path
) -> None:
    started, seen = threading.Event(), set[int]()

    def documents() -> Iterator[RawDocument]:
        for at, document in enumerate(many(2200)):
            if at == 1000:
                started.set()
            yield document

    writer = threading.Thread(target=lambda: store.upsert(documents()))
    reader = SqliteRawStore(path)
    writer.start()
    started.wait(20)
    while writer.is_alive():
        seen.add(sum(reader.count("ada").values()))
    writer.join()
    seen.add(sum(reader.count("ada").values()))
    reader.close()
    assert seen <= {500, 1000, 1500, 2000, 2200}
    assert 2200 in seen


def test_a_reader_keeps_what_it_began_with(store: SqliteRawStore, path: Path) -> None:
    store.upsert(many(300))
    reader = SqliteRawStore(path)
    reading = reader.documents("ada")
    first = next(reading)
    store.upsert(many(300, text="Other."))
    assert {document.text for document in (first, *reading)} == {"Words."}
    assert {document.text for document in reader.documents("ada")} == {"Other."}
    reader.close()


def test_a_writer_in_the_middle_of_a_transaction_keeps_no_reader_waiting(
    store: SqliteRawStore, path: Path
) -> None:
    store.upsert(many(1))
    writer = sqlite3.connect(path, isolation_level=None)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM articles")
    assert len(list(store.documents("ada"))) == 1
    writer.execute("ROLLBACK")
    writer.close()


def test_a_home_below_a_regular_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"raw\.db cannot be used: .*TWIN_HOME") as caught:
        SqliteRawStore(tmp_path / "file" / "raw.db")
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_file_s_place_is_one_clear_line(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="unable to open database file"):
        SqliteRawStore(path)


def test_a_file_that_is_no_database_is_not_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("my diary\n" * 500)
    with pytest.raises(StorageError, match="file is not a database"):
        SqliteRawStore(path)
    assert path.read_text() == "my diary\n" * 500


def test_a_damaged_file_is_reported_while_it_is_read(store: SqliteRawStore, path: Path) -> None:
    store.upsert(many(2000))
    store.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : -4096] = b"\xff" * len(content[len(content) // 2 : -4096])
    path.write_bytes(content)
    damaged = SqliteRawStore(path)
    with pytest.raises(StorageError, match=r"raw\.db cannot be used"):
        list(damaged.documents("ada"))
    damaged.close()


FIRST_VERSION = """
CREATE TABLE users (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL,
    sample INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX users_by_revision ON users (revision);
INSERT INTO users VALUES
    ('ada', 'Ada', '[]', 0, 2),
    ('bob', 'Bob', '["Bobby", "B. Ob"]', 1, 3),
    ('eve', 'Eve', '[]', 0, 0);
"""
FIRST_COLLECTION = """
CREATE TABLE {name} (
    author TEXT NOT NULL REFERENCES users (slug),
    link TEXT NOT NULL,
    platform TEXT NOT NULL,
    title TEXT NOT NULL,
    subtitle TEXT,
    text TEXT NOT NULL,
    language TEXT,
    published_at TEXT,
    path TEXT,
    content_hash TEXT NOT NULL,
    PRIMARY KEY (author, link)
);
"""


@pytest.fixture
def first_version(path: Path) -> list[RawDocument]:
    """Write a file as the first version of this store left it; return Ada's documents."""
    documents = [raw_document(f"https://a.com/{c}", category=c) for c in Category]
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            FIRST_VERSION + "".join(FIRST_COLLECTION.format(name=n) for n in COLLECTIONS.values())
        )
        for d in documents:
            columns = (d.author, d.link, d.platform, d.title, d.subtitle, d.text, d.language)
            connection.execute(
                f"INSERT INTO {COLLECTIONS[d.category]} VALUES ({', '.join('?' * 10)})",  # noqa: S608
                (*columns, d.published_at, d.path, d.content_hash),
            )
    return documents


def test_a_file_of_the_first_version_loses_nothing(
    first_version: list[RawDocument], path: Path
) -> None:
    for _ in range(2):  # it is brought to the newest version once, and then opened
        with closing(SqliteRawStore(path)) as store:
            assert store.authors() == [ADA, BOB, Author("eve", "Eve")]
            assert list(store.documents("ada")) == first_version
            assert store.changed_since(0) == {"ada": 2, "bob": 3}
            assert store.upsert(first_version) == UpsertCounts(unchanged=3)
            assert store.visits("ada") == {}


def test_a_file_of_the_first_version_does_all_that_a_new_one_does(
    first_version: list[RawDocument], path: Path
) -> None:
    visit = Visit("ada", "https://a.com", "https://a.com", Outcome.NEW, "", "2024-01-01")
    with closing(SqliteRawStore(path)) as store:
        store.put_author(replace(ADA, sources=("https://a.com",)))
        assert store.authors()[0].sources == ("https://a.com",)
        assert store.mark_gone("ada", [first_version[0].link]) == 1
        assert list(store.documents("ada")) == first_version[1:]
        assert store.revision("ada") == 5  # the sources, then the document
        store.put_visits([visit])
        assert store.visits("ada") == {"https://a.com": visit}


def test_a_file_of_the_first_version_is_opened_by_several_at_once(
    first_version: list[RawDocument], path: Path
) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(SqliteRawStore, [path] * 8))
    for store in stores:
        assert list(store.documents("ada")) == first_version
        store.close()


def test_no_word_of_a_forgotten_author_is_left_in_the_files(
    store: SqliteRawStore, path: Path
) -> None:
    store._connection.execute("PRAGMA secure_delete = OFF")  # some builds have it on
    store.upsert(many(50, "bob", "An older zibeline. " * 500))
    store.upsert([*many(50, "bob", "A zibeline. " * 500), *many(50, "ada")])
    files = [path, path.with_name("raw.db-wal")]
    assert any(b"zibeline" in file.read_bytes() for file in files)
    store.forget("bob")
    assert not [file for file in files if b"zibeline" in file.read_bytes()]
    assert len(list(store.documents("ada"))) == 50


def test_a_reader_that_keeps_the_words_is_named_and_forgetting_can_be_repeated(
    store: SqliteRawStore, path: Path
) -> None:
    store.upsert(many(300, "bob"))
    store._connection.execute("PRAGMA busy_timeout = 10")
    reader = SqliteRawStore(path)
    reading = reader.documents("bob")
    next(reading)
    with pytest.raises(StorageError, match=r"Another process reads .*raw\.db") as caught:
        store.forget("bob")
    assert "\n" not in str(caught.value)
    assert store.traces("bob") == 1  # the record by which the next run knows whom to forget
    assert len(list(reading)) == 299
    store.forget("bob")
    assert store.traces("bob") == 0
    reader.close()
