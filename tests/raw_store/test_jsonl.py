import json
import re
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from twin_assets.documents import Author, Category
from twin_assets.errors import BadInputError
from twin_assets.raw_store import UpsertCounts
from twin_assets.raw_store.jsonl import BadLine, import_jsonl, parse_line
from twin_assets.raw_store.sqlite import SqliteRawStore

GOOD = {
    "author": "Ada Lovelace",
    "platform": "blog",
    "category": "article",
    "link": "https://example.com/a",
    "title": "On engines",
    "text": "Words.",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRawStore]:
    store = SqliteRawStore(tmp_path / "raw.db")
    yield store
    store.close()


def line(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def without(field: str) -> bytes:
    return json.dumps({name: value for name, value in GOOD.items() if name != field}).encode()


BAD_LINES = [
    (b"{", "not JSON: Expecting property name"),
    (b'{"author": "Ada"', "not JSON: .* at column 17"),
    (b"<html>", "not JSON: Expecting value at column 1"),
    (b'{"text": "\xff\xfe"}', "not UTF-8: byte 11 cannot be decoded"),
    (b"[]", "not a JSON object"),
    (b"null", "not a JSON object"),
    (b'"text"', "not a JSON object"),
    (b'{"a": ' + b"[" * 200_000, "not JSON that can be read: nested too deeply"),
    (b'{"a": ' + b"1" * 5000 + b"}", "not JSON that can be read: a number"),
    *((without(field), f"{field}: Field required") for field in GOOD if field != "title"),
    (line(text=None), "text: Input should be a valid string"),
    (line(text=7), "text: Input should be a valid string"),
    (line(category="book"), "category: Input should be 'article', 'post' or 'repository'"),
    (line(link="example.com/a"), "link: is not an http or https link"),
    (line(link=""), "link: "),
    (line(link="https://example.com/\ud800"), "link: "),
    (line(link="http://[::1"), "link: Invalid IPv6 URL"),
    (line(author=""), "author: "),
    (line(author="!?"), "author: has no letter or digit"),
    (line(author="x" * 201), "author: "),
    (line(author="山" * 100), "author: is too long"),
    (line(author="Ada\ud800"), "author: "),
    (line(platform=""), "platform: "),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES)
def test_a_bad_line_is_reported_and_the_good_ones_round_it_are_kept(
    bad: bytes, reason: str, store: SqliteRawStore, tmp_path: Path
) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"\n".join([line(), b"", bad, line(link="https://example.com/b")]))
    report = import_jsonl(path, store)
    assert report.counts == UpsertCounts(new=2)
    assert [bad_line.number for bad_line in report.bad_lines] == [3]
    assert re.match(reason, report.bad_lines[0].reason)
    assert "\n" not in report.bad_lines[0].reason
    assert len(list(store.documents("ada-lovelace"))) == 2


def test_a_line_becomes_author_and_document() -> None:
    author, document = parse_line(
        line(
            author="  Ada\u00a0 Lovelace ",
            link="https://example.com/a?utm_source=x#top",
            subtitle="Sub",
            published_at="2024-01-01",
            path="a.py",
            unknown={"is": "ignored"},
        )
    )
    assert author == Author("ada-lovelace", "Ada Lovelace")
    assert document.author == author.slug
    assert document.category is Category.ARTICLE
    assert document.link == "https://example.com/a"
    assert (document.subtitle, document.published_at, document.path) == (
        "Sub",
        "2024-01-01",
        "a.py",
    )


def test_two_ways_to_write_a_name_are_one_author() -> None:
    composed, _ = parse_line(line(author="Jos\u00e9"))
    decomposed, _ = parse_line(line(author="Jose\u0301"))
    assert composed == decomposed == Author("jose", "Jos\u00e9")


def test_importing_again_changes_nothing(store: SqliteRawStore, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    lines = [line(link=f"https://example.com/{number}") for number in range(620)]
    path.write_bytes(b"\n".join(lines))
    assert import_jsonl(path, store).counts == UpsertCounts(new=620)
    revision = store.revision("ada-lovelace")
    again = import_jsonl(path, store)
    assert again.counts == UpsertCounts(unchanged=620)
    assert again.authors == ("ada-lovelace",)
    assert store.revision("ada-lovelace") == revision


def test_tracking_parameters_do_not_make_another_document(
    store: SqliteRawStore, tmp_path: Path
) -> None:
    path = tmp_path / "file.jsonl"
    marks = ("", "?utm_source=newsletter", "#comments", "?fbclid=abc")
    path.write_bytes(b"\n".join(line(link=f"https://example.com/a{mark}") for mark in marks))
    assert import_jsonl(path, store).counts == UpsertCounts(new=1, unchanged=3)
    assert [document.link for document in store.documents("ada-lovelace")] == [GOOD["link"]]


def test_authors_are_registered_once_and_never_renamed(
    store: SqliteRawStore, tmp_path: Path
) -> None:
    known = Author("ada-lovelace", "Ada Lovelace", ("The Countess",))
    store.put_author(known)
    path = tmp_path / "file.jsonl"
    path.write_bytes(line(author="ADA LOVELACE") + b"\n" + line(author="Bob"))
    report = import_jsonl(path, store, sample=True)
    assert report.authors == ("ada-lovelace", "bob")
    assert store.authors() == [known, Author("bob", "Bob", sample=True)]


def test_of_many_bad_lines_the_first_are_named(store: SqliteRawStore, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"{\n" * 1500 + line())
    report = import_jsonl(path, store)
    assert (report.counts.new, report.bad, len(report.bad_lines)) == (1, 1500, 1000)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_byte_order_mark_line_ends_and_blank_lines_are_no_fault(
    store: SqliteRawStore, tmp_path: Path, end: bytes
) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line() + end + b"  " + end + line(category="post") + end)
    report = import_jsonl(path, store)
    assert report.counts == UpsertCounts(new=1, changed=1)
    assert report.bad_lines == ()


def test_an_empty_file_is_an_empty_import(store: SqliteRawStore, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.touch()
    report = import_jsonl(path, store)
    assert (report.counts, report.authors, report.bad_lines) == (UpsertCounts(), (), ())


@pytest.mark.parametrize(
    ("name", "reason"), [("nowhere.jsonl", "No such file"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    store: SqliteRawStore, tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(BadInputError, match=rf"cannot be read: {reason}") as caught:
        import_jsonl(tmp_path / name, store)
    assert str(tmp_path / name) in str(caught.value)
    assert store.authors() == []


def test_lone_surrogates_are_replaced_in_every_free_field(
    store: SqliteRawStore, tmp_path: Path
) -> None:
    fields = ("title", "subtitle", "text", "language", "path")
    path = tmp_path / "file.jsonl"
    path.write_bytes(line(**{field: f"{field} \ud83d end" for field in fields}))
    assert import_jsonl(path, store).bad_lines == ()
    (document,) = store.documents("ada-lovelace")
    assert [getattr(document, field) for field in fields] == [f"{field} ? end" for field in fields]


@pytest.mark.parametrize(
    "date", ["2020)\n\n# Hostile [x](https://evil.example)", "yesterday", "\ud83d"]
)
def test_a_date_that_is_none_is_a_bad_line(date: str) -> None:
    with pytest.raises(BadInputError, match="published_at: is not an ISO 8601 date"):
        parse_line(line(published_at=date))


def test_surrogates_that_are_a_pair_are_the_character() -> None:
    _, document = parse_line(line(text="\N{PARTY POPPER}"))  # json.dumps writes \\ud83c\\udf89
    assert document.text == "\N{PARTY POPPER}"


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from([*GOOD, "path", "language"]),
        st.none() | st.integers() | st.text(st.characters()) | st.lists(st.text(), max_size=2),
    ).map(lambda changes: line(**changes))
)
def test_any_line_is_a_document_or_one_reason(content: bytes) -> None:
    try:
        author, document = parse_line(content)
    except BadInputError as error:
        assert str(error).count("\n") == 0
        assert str(error)
    else:
        assert author.slug == document.author
        json.dumps([astuple(author), astuple(document)], ensure_ascii=False).encode()


def test_every_bad_line_is_reported_in_order(store: SqliteRawStore, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"\n".join([b"[]", line(), b"[]", line(text=None), line(), b"x"]))
    report = import_jsonl(path, store)
    assert [bad.number for bad in report.bad_lines] == [1, 3, 4, 6]
    assert report.bad_lines[0] == BadLine(1, "not a JSON object")
    assert report.counts == UpsertCounts(new=1, unchanged=1)
