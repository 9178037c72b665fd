"""Rows of exports whose quotes are doubled, escaped, both or missing."""

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_assets.crawlers.exports.csv_rows import BrokenRow, Row, read_rows

HEADER = "Date,ShareLink,ShareCommentary,Visibility\n"
BEGINS = re.compile(r'"?\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}')


def read(text: str) -> list[str | tuple[int, str]]:
    """Return the words of the good rows, and number and reason of the broken ones."""
    return [
        (row.number, row.reason) if isinstance(row, BrokenRow) else row.values["sharecommentary"]
        for row in read_rows(text, BEGINS)
    ]


def row(field: str, number: int = 1) -> str:
    """Return a row with this field as it stands in the file."""
    return f"2026-05-{number:02} 16:41:18,https://l.example/{number},{field},PUBLIC\n"


def test_rows_are_read_by_column_and_numbered_as_in_a_spreadsheet():
    rows = list(read_rows(HEADER + row('"one\ntwo"') + "\n" + row("three", 2), BEGINS))
    assert [found.number for found in rows if isinstance(found, Row)] == [2, 3]
    assert rows[0] == Row(
        2,
        {
            "date": "2026-05-01 16:41:18",
            "sharelink": "https://l.example/1",
            "sharecommentary": "one\ntwo",
            "visibility": "PUBLIC",
        },
    )


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("plain words", "plain words"),
        ('5" wide', '5" wide'),
        ('"said ""yes"", then left"', 'said "yes", then left'),
        (r'"said \"yes\", then left"', 'said "yes", then left'),
        (r'"\"quoted as a whole\""', '"quoted as a whole"'),
        (r'"ends with \"this\""', 'ends with "this"'),
        (r'"a screen of 5\""', 'a screen of 5"'),
        (r'"both ""styles"" in \"one\""', 'both "styles" in "one"'),
        (r'"in C:\new\table"', r"in C:\new\table"),
        ('"a path ends in C:\\"', "a path ends in C:\\"),
        (r'"a regex: \""quoted\"""', r"a regex: \"quoted\""),
        ('"lines\n\n\\"of\\" a\r\npost"', 'lines\n\n"of" a\r\npost'),
        ('"日本語, 🎉 é"', "日本語, 🎉 é"),
        ('"2019-01-01 10:00:00,https://l.example/log,a line,of a log\nin a post"', None),
        ('"\n2019-01-01 10:00:00,https://l.example/log,a line,of a log"', None),
        ("", ""),
    ],
)
def test_a_field_is_read_as_it_was_meant(field, words):
    words = field.strip('"') if words is None else words
    text = HEADER + row(field) + row('"an ""ordinary"" one"', 2) + row(field, 3)
    assert read(text) == [words, 'an "ordinary" one', words]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ('"never closed', "its quotes do not match"),
        ('"closed" too early', "its quotes do not match"),
        ('"never closed\n\nover lines', "its quotes do not match"),
        ("one, two", "has 5 columns, not 4"),
        ("a\rb", "its quotes do not match"),
        (r'"an \"early\" end" here', "its quotes do not match"),
    ],
)
def test_a_broken_row_costs_only_itself(field, reason):
    good = '"a ""good"" one\nover lines"'
    words = 'a "good" one\nover lines'
    text = HEADER + row(good) + row(field, 2) + row(good, 3) + row(field, 4)
    assert read(text) == [words, (3, reason), words, (5, reason)]
    assert read(HEADER + row(field) + row("x", 2)) == [(2, reason), "x"]


def test_a_row_cut_off_at_the_end_of_the_file_is_broken():
    whole = HEADER + row("x") + row('"cut off in its wor', 2)
    assert read(whole.removesuffix(",PUBLIC\n")) == ["x", (3, "its quotes do not match")]
    short = HEADER + row("x") + row("y", 2).removesuffix(",PUBLIC\n")
    assert read(short) == ["x", (3, "has 3 columns, not 4")]


def test_files_without_rows_have_none():
    assert read("") == read("\n \n") == read(HEADER) == read("\r\n" + HEADER) == []
    assert read('"Date,never closed') == [(1, "its quotes do not match")]


def test_a_thousand_broken_rows_are_a_thousand_reports():
    text = HEADER + "".join(row('"never closed') for _ in range(1_000)) + row("x")
    found = read(text)
    assert len(found) == 1_001
    assert found[-1] == "x"


AWKWARD = st.text(st.sampled_from('ab,"\n\r \\é🎉') | st.characters(codec="utf-8"), max_size=30)
# A row with a backslash and no quote does not show whether its writer escaped the backslash.
TELLING = AWKWARD.map(lambda text: text if '"' in text else text.replace("\\", ""))


def written(texts: list[str], **style: object) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, **style)
    writer.writerow(HEADER.strip().split(","))
    for text in texts:
        writer.writerow(["2026-05-07 16:41:18", "https://l.example/1", text, "PUBLIC"])
    return buffer.getvalue()


LINE_END = st.sampled_from(["\n", "\r\n"])
# With a bare line feed as its line end, the writer leaves a carriage return unquoted.
STYLE = st.sampled_from(
    [(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")]
)


@settings(deadline=None)
@given(st.lists(AWKWARD, max_size=5), STYLE)
def test_rows_with_doubled_quotes_come_back_as_written(texts, style):
    quoting, end = style
    assert read(written(texts, quoting=quoting, lineterminator=end)) == texts


@settings(deadline=None)
@given(st.lists(TELLING, max_size=5), LINE_END)
def test_rows_with_escaped_quotes_come_back_as_written(texts, end):
    style = {"doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL}
    assert read(written(texts, **style, lineterminator=end)) == texts


@settings(deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(['"', "\n", ",", "\\", "a"])).map("".join))
def test_any_text_is_read_to_its_end(text):
    for found in read_rows(text, BEGINS):
        assert isinstance(found, Row | BrokenRow)
        assert found.number >= 1
