"""Posts from LinkedIn's Shares.csv: their words, titles, links, and rows that are broken."""

import csv
import io
from pathlib import Path

import pytest
from linkedin_files import HEADER, PULSE, SHARES, UPDATE, from_csv, share

from twin_assets.crawlers.exports.linkedin import linkedin_link


def words_of(tmp_path: Path, field: str) -> str:
    """Return the text of the post whose commentary is this field of the file."""
    _, (document,) = from_csv(tmp_path, HEADER + share(field))
    return document.text


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    _, expected = from_csv(tmp_path, SHARES)
    for data in (
        SHARES.encode("utf-8-sig"),
        SHARES.replace("\n", "\r\n").encode("utf-8-sig"),
        SHARES.encode("utf-16"),
    ):
        assert from_csv(tmp_path, data)[1] == expected


def test_old_exports_have_fewer_columns(tmp_path):
    text = (
        f"Date,ShareLink,ShareCommentary\n2016-01-02 03:04:05,{UPDATE}urn%3Ali%3Ashare%3A1,Words\n"
    )
    _, (document,) = from_csv(tmp_path, text)
    assert (document.text, document.published_at) == ("Words", "2016-01-02T03:04:05+00:00")


@pytest.mark.parametrize("visibility", ["", "MEMBER_NETWORK", "PUBLIC", "public", "LOGGED_IN"])
def test_posts_that_every_member_may_read_are_kept(tmp_path, visibility):
    _, documents = from_csv(tmp_path, HEADER + share("Words", visibility=visibility))
    assert len(documents) == 1


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ('"one\n""two"""', 'one\n"two"'),
        ('"first""\n""second""\n""third"', "first\nsecond\nthird"),
        ('"first""\n""""\n""last, ""said"" he"', 'first\n\nlast, "said" he'),
        ('"""a whole quotation""\n""and another"""', '"a whole quotation"\n"and another"'),
        ('"he said ""a""\n""b"" said she"', 'he said "a"\n"b" said she'),
        ('"  \n spaced\n "', "spaced"),
    ],
)
def test_lines_that_are_wrapped_in_quotes_are_unwrapped(tmp_path, field, words):
    assert words_of(tmp_path, field) == words


def test_a_shared_link_is_added_once(tmp_path):
    url = "https://tea.example/leaves"
    _, documents = from_csv(
        tmp_path,
        HEADER + share(f"Read {url} now", 1, url=url) + share("Words", 2, url="javascript:x"),
    )
    assert [document.text for document in documents] == [f"Read {url} now", "Words"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short", "Short"),
        ("First line\nsecond line", "First line"),
        ("x" * 80, "x" * 80),
        ("word " * 30, "word " * 15 + "word…"),
        ("漢" * 100, "漢" * 79 + "…"),
    ],
)
def test_the_title_is_the_beginning_of_the_first_line(tmp_path, text, title):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="").writerow([text])
    _, (document,) = from_csv(tmp_path, HEADER + share(buffer.getvalue()))
    assert document.title == title
    assert len(document.title) <= 80


def test_broken_rows_are_named_and_cost_no_other(tmp_path):
    text = (
        HEADER
        + share("one", 1)
        + share('"never closed', 2)
        + share('"two\nlines"', 3)
        + share("too, many, columns", 4)
        + share("three", 5).replace("www.linkedin.com", "linkedin.com.evil.example")
        + share("three", 6)
        + share("three again", 6)
    )
    found, documents = from_csv(tmp_path, text)
    assert [document.text for document in documents] == ["one", "two\nlines", "three"]
    assert not found.complete
    assert found.detail == (
        "left out: given twice (1); 3 cannot be read: "
        "Shares.csv, row 3 (its quotes do not match), "
        "Shares.csv, row 5 (has 8 columns, not 6), "
        "Shares.csv, row 6 (its ShareLink does not lead to LinkedIn)"
    )


def test_ten_thousand_posts_are_read_whole(tmp_path):
    rows = "".join(
        f'2026-05-07 16:41:18,{UPDATE}urn%3Ali%3Ashare%3A{number},"Post {number} ""said""\nit",,,\n'
        for number in range(10_000)
    )
    _, documents = from_csv(tmp_path, HEADER + rows)
    assert len({document.link for document in documents}) == 10_000
    assert documents[-1].text == 'Post 9999 "said"\nit'


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        (f"{UPDATE}urn%3Ali%3Ashare%3A123", f"{UPDATE}urn:li:share:123"),
        (f"{UPDATE}urn:li:activity:123/?utm_source=x#top", f"{UPDATE}urn:li:activity:123"),
        ("http://linkedin.com/feed/update/urn%3Ali%3AugcPost%3A1/", f"{UPDATE}urn:li:ugcPost:1"),
        (f"{UPDATE}urn%3Ali%3AgroupPost%3A12-34", f"{UPDATE}urn:li:groupPost:12-34"),
        ("https://DE.LinkedIn.com/pulse/on-kettles-ada-x1y2z/?trk=x", PULSE),
    ],
)
def test_a_link_has_one_form(link, canonical):
    assert linkedin_link(link) == canonical
    assert linkedin_link(canonical) == canonical


@pytest.mark.parametrize(
    "link",
    [
        "",
        "words",
        "https://linkedin.com.evil.example/feed",
        "https://notlinkedin.com/feed",
        "https://www.linkedin.com@evil.example/feed",
        "javascript://www.linkedin.com/%0aalert(1)",
        "https://www.linkedin.com/",
        "https://[broken/feed",
    ],
)
def test_other_links_are_refused(link):
    with pytest.raises(ValueError):
        linkedin_link(link)
