import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import ADA, raw_document

from twin_assets.documents import Author, Category, RawDocument
from twin_assets.errors import StorageError
from twin_assets.raw_store import UpsertCounts
from twin_assets.raw_store.sqlite import SqliteRawStore

BOB = Author("bob", "Bob", ("Bobby", "B. Ob"), sample=True)


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


def many(number: int, author: str = "ada", text: str = "Words.") -> list[RawDocument]:
    return [raw_document(f"https://a.com/{n:05}", text, author=author) for n in range(number)]


def test_every_field_of_documents_and_authors_comes_back(store: SqliteRawStore, path: Path) -> None:
    full = RawDocument(
        author="bob",
        platform="github",
        category=Category.REPOSITORY,
        link="https://a.com/r/blob/1/a.py",
        title="a.py",
        text="print('日本 🎉 \x00 \x1f')\r\n",
        subtitle="sub",
        language="en",
        published_at="2024-01-01",
        path="src/a.py",
    )
    store.upsert([full])
    again = SqliteRawStore(path)
    assert list(again.documents("bob")) == [full]
    assert again.authors() == [ADA, BOB]
    again.close()


def test_upsert_tells_new_changed_and_unchanged_apart(store: SqliteRawStore) -> None:
    one, two = many(2)
    assert store.upsert([one, two]) == UpsertCounts(new=2)
    assert store.upsert([one, replace(two, text="Other.")]) == UpsertCounts(changed=1, unchanged=1)
    assert [document.text for document in store.documents("ada")] == ["Words.", "Other."]


def test_one_link_of_two_authors_is_two_documents(store: SqliteRawStore) -> None:
    both = [raw_document(author="ada"), raw_document(author="bob")]
    assert store.upsert(both) == UpsertCounts(new=2)
    assert [list(store.documents(author)) for author in ("ada", "bob")] == [[d] for d in both]


def test_a_document_whose_category_changes_moves(store: SqliteRawStore) -> None:
    article = raw_document()
    store.upsert([article])
    revision = store.revision("ada")
    post = replace(article, category=Category.POST)
    assert store.upsert([post]) == UpsertCounts(changed=1)
    assert list(store.documents("ada")) == [post]
    assert store.count("ada") == {
        Category.ARTICLE: 0,
        Category.POST: 1,
        Category.REPOSITORY: 0,
    }
    assert store.revision("ada") > revision
    assert store.upsert([post]) == UpsertCounts(unchanged=1)


def test_documents_are_ordered_by_category_and_link(store: SqliteRawStore) -> None:
    documents = many(3)
    mixed = [replace(documents[0], category=Category.POST), documents[2], documents[1]]
    store.upsert(mixed)
    assert list(store.documents("ada")) == [documents[1], documents[2], mixed[0]]


def test_an_author_s_record_is_replaced_and_the_documents_stay(store: SqliteRawStore) -> None:
    store.upsert(many(2, "bob"))
    revision = store.revision("bob")
    store.put_author(Author("bob", "Robert"))
    assert store.authors()[1] == Author("bob", "Robert")
    assert len(list(store.documents("bob"))) == 2
    assert store.revision("bob") == revision


def test_revisions_rise_over_the_whole_store(store: SqliteRawStore) -> None:
    assert (store.revision("ada"), store.revision("nobody")) == (0, 0)
    assert store.changed_since(0) == {}
    store.upsert(many(1, "ada"))
    store.upsert(many(1, "bob"))
    seen = store.revision("bob")
    assert seen > store.revision("ada") > 0
    assert store.changed_since(seen) == {}
    store.upsert(many(1, "ada"))  # unchanged
    assert store.changed_since(seen) == {}
    store.upsert(many(1, "ada", "Other."))
    assert store.changed_since(seen) == {"ada": store.revision("ada")}
    assert list(store.changed_since(0)) == ["bob", "ada"]


def test_two_authors_in_one_upsert_get_revisions_of_their_own(store: SqliteRawStore) -> None:
    store.upsert([*many(1, "bob"), *many(1, "ada")])
    assert len({store.revision("ada"), store.revision("bob"), 0}) == 3


def test_more_documents_than_one_transaction_holds(store: SqliteRawStore) -> None:
    assert store.upsert(iter(many(1201))) == UpsertCounts(new=1201)
    assert store.upsert(many(1201)) == UpsertCounts(unchanged=1201)
    assert sum(store.count("ada").values()) == 1201


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
