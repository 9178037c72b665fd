"""What is filled in is checked first, and stored only where nothing is wrong with it."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from medium_files import page, section
from zip_builder import zip_of

from twin_assets.documents import Author, Category
from twin_assets.errors import BadInputError
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.adding import (
    Checked,
    CheckedSource,
    Wanted,
    author_named,
    check,
    register,
    store,
)

LINE = {
    "author": "Ada Quill",
    "platform": "blog",
    "category": "post",
    "link": "https://ada.example/1",
    "text": "Words.",
}


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl"
    lines = [LINE, LINE | {"author": "Bob"}, {"author": 7}]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    story = page(section("<p>Words.</p>" * 9), author="Ada Quill")
    return zip_of(tmp_path / "export.zip", {"posts/2024-03-05_A-0123456789ab.html": story})


def authors(settings: TwinSettings) -> list[Author]:
    with closing(open_raw_store(settings)) as raw:
        return raw.authors()


def faults(settings: TwinSettings, wanted: Wanted) -> list[str]:
    """Return the faults, after making sure that nothing is stored."""
    checked = check(settings, wanted)
    assert checked.faults
    with pytest.raises(BadInputError):
        store(settings, wanted, checked)
    assert not settings.root.exists()
    return list(checked.faults)


def test_links_are_told_apart_by_who_reads_them(settings: TwinSettings) -> None:
    links = ("https://ada.example/feed", "https://medium.com/@ada", "https://github.com/ada/rye")
    wanted = Wanted(" Ada\u00a0 Quill ", ("AQ",), links)
    checked = check(settings, wanted)
    assert checked == Checked(
        Author("ada-quill", "Ada Quill"),
        tuple(map(CheckedSource, links, ("article", "medium", "github"))),
        None,
        (),
    )
    assert not settings.root.exists()
    added = store(settings, wanted, checked)
    assert added.authors == (Author("ada-quill", "Ada Quill", ("AQ",), sources=links),)
    assert authors(settings) == list(added.authors)


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("/etc/passwd", "does not begin with https://"),
        ("~/notes", "does not begin with https://"),
        ("javascript:alert(1)", "does not begin with https://"),
        ("file:///etc/passwd", "names no host"),
        ("ftp://ada.example/", "no source that can be crawled"),
        ("https://", "names no host"),
        ("https://ada.example/\ud800", "no web link"),
        ("https://ada:hunter2@ada.example/", "leave it out"),
    ],
)
def test_a_visitor_s_source_is_a_web_link(settings: TwinSettings, link: str, why: str) -> None:
    wanted = Wanted("Ada", links=("https://ada.example/feed", link))
    good, bad = check(settings, wanted).sources
    assert good.fault is None
    assert why in (bad.fault or "")
    assert "hunter2" not in str(bad)
    assert faults(settings, wanted) == ["A link cannot be used: correct it, or take it out."]


@pytest.mark.parametrize(
    ("name", "why"),
    [("!?", "no letter or digit"), ("a" * 201, "longer than 200"), ("山" * 100, "longer than")],
)
def test_a_name_makes_a_partition_key(name: str, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        author_named(name)
    assert author_named("Jose\u0301\ud800") == author_named("Jos\u00e9?") == Author("jose", "José?")


def test_what_is_missing_is_said(settings: TwinSettings, archive: Path) -> None:
    link = ("https://ada.example/feed",)
    assert faults(settings, Wanted()) == [
        "There is nothing to add yet: give a link, or choose a file."
    ]
    assert faults(settings, Wanted("Ada")) == [
        "There is nothing to crawl yet: give a link, or choose a file."
    ]
    for wanted in (Wanted(links=link), Wanted(upload=archive)):
        assert faults(settings, wanted) == ["The author's name is missing."]


def test_lines_name_their_authors_themselves(settings: TwinSettings, jsonl: Path) -> None:
    wanted = Wanted(upload=jsonl)
    checked = check(settings, wanted)
    assert (checked.author, checked.faults) == (None, ())
    added = store(settings, wanted, checked)
    assert [author.slug for author in added.authors] == ["ada-quill", "bob"]
    assert added.report is not None
    assert (added.report.counts.new, added.report.bad) == (2, 1)
    assert jsonl.exists()
    assert not settings.uploads_path.exists()


def test_a_name_beside_lines_is_one_of_theirs(settings: TwinSettings, jsonl: Path) -> None:
    assert faults(settings, Wanted("Adda Quill", upload=jsonl)) == [
        "No line of the file is by Adda Quill, but by Ada Quill, Bob: correct the name, "
        "or leave it empty."
    ]
    wanted = Wanted("ada quill", ("AQ",), upload=jsonl)
    added = store(settings, wanted, check(settings, wanted))
    assert added.authors[0] == Author("ada-quill", "Ada Quill", ("AQ",))


def test_lines_of_which_none_is_good(settings: TwinSettings, tmp_path: Path) -> None:
    file = tmp_path / "noise.jsonl"
    file.write_text("x\ny\n")
    assert faults(settings, Wanted(upload=file)) == ["Nothing in noise.jsonl can be used."]
    contents = check(settings, Wanted(upload=file)).contents
    assert contents is not None
    assert contents.bad == 2


def test_an_archive_is_kept_and_read_before_other_sources(
    settings: TwinSettings, archive: Path
) -> None:
    author = author_named("Ada Quill")
    register(settings, author, ["AQ"], ["https://ada.example/feed"])
    wanted = Wanted("Ada Quill", ("Q",), ("https://ada.example/2",), archive)
    checked = check(settings, wanted)
    assert checked.contents is not None
    assert checked.contents.documents == {Category.ARTICLE: 1}
    (record,) = store(settings, wanted, checked).authors
    kept, *links = record.sources
    assert links == ["https://ada.example/feed", "https://ada.example/2"]
    assert Path(kept).read_bytes() == archive.read_bytes()
    assert Path(kept).is_relative_to(settings.uploads_path / "ada-quill")
    assert record.aliases == ("AQ", "Q")
    assert store(settings, wanted, checked).authors == (record,)


def test_an_archive_that_gives_nothing_is_refused(settings: TwinSettings, tmp_path: Path) -> None:
    file = zip_of(tmp_path / "notes.zip", {"notes.txt": "words"})
    (fault,) = faults(settings, Wanted("Ada", upload=file))
    assert "neither an export of Medium or LinkedIn" in fault
