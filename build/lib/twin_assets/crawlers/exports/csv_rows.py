r"""Rows of an export's CSV file, whose writer does not always quote as a reader expects.

Most rows double the quotes in a quoted field, as CSV has it, and some write ``\"`` instead. A row
that fits neither is reported, and reading goes on where the next one begins.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_ESCAPED = re.compile(r'\\(["\\])')
_MOST_LINES = 5_000  # in one row


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column names in lower case. ``number`` counts as a spreadsheet does: header 1."""

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be told apart into its columns, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Reading:
    values: list[str]
    end: int  # the line behind the row


class _Unreadable(Exception):  # noqa: N818 - a verdict on one row, which never leaves this module
    """The lines are no row."""


def read_rows(text: str, begins: re.Pattern[str]) -> Iterator[Row | BrokenRow]:
    """Yield the rows below the header line.

    Args:
        text: the file.
        begins: what the first line of a row looks like. It need not fit every row, but no line
            inside of one: it tells where a broken row ends.
    """
    # newline="\n" leaves other line ends alone, which may be part of a field
    lines = list(io.StringIO(text, newline="\n"))
    at = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if at == len(lines):
        return
    number = 1
    try:
        header = _read(lines, at)
    except _Unreadable as error:
        yield BrokenRow(number, str(error))
        return
    columns = [name.strip().lower() for name in header.values]
    at = header.end
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        number += 1
        try:
            reading = _best_reading(lines, at, len(columns), begins)
        except _Unreadable as error:
            yield BrokenRow(number, str(error))
            following = range(at + 1, len(lines))
            at = next((at for at in following if begins.match(lines[at])), len(lines))
            continue
        yield Row(number, dict(zip(columns, reading.values, strict=True)))
        at = reading.end


def _best_reading(lines: Sequence[str], at: int, width: int, begins: re.Pattern[str]) -> _Reading:
    r"""Return the row that begins at the line, read as CSV or with ``\"`` taken for a quote.

    Where both can be read, the one that ends where a row begins is right, and then the shorter.
    """
    try:
        plain = _read(lines, at, width)
    except _Unreadable as error:
        try:
            return _read(lines, at, width, repaired=True)
        except _Unreadable:
            raise error from None
    if not any('\\"' in line for line in lines[at : plain.end]):
        return plain
    try:
        repaired = _read(lines, at, width, repaired=True)
    except _Unreadable:
        return plain
    ends = [(not _ends_well(lines, one, begins), one.end) for one in (plain, repaired)]
    return plain if ends[0] <= ends[1] else repaired


def _ends_well(lines: Sequence[str], reading: _Reading, begins: re.Pattern[str]) -> bool:
    return reading.end >= len(lines) or begins.match(lines[reading.end]) is not None


def _read(
    lines: Sequence[str], at: int, width: int | None = None, *, repaired: bool = False
) -> _Reading:
    r"""Return the row that begins at the line.

    Raises:
        _Unreadable: its quotes do not match, or it has another number of columns than ``width``.
    """
    some = (lines[number] for number in range(at, min(at + _MOST_LINES, len(lines))))
    reader = csv.reader(map(_repair, some) if repaired else some, strict=True)
    try:
        values = next(reader)
    except csv.Error:
        raise _Unreadable("its quotes do not match") from None
    if width is not None and len(values) != width:
        raise _Unreadable(f"has {len(values)} columns, not {width}")
    return _Reading(values, at + reader.line_num)


def _repair(line: str) -> str:
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)
