"""Metadata that people look at. Crawled text is shown as it is written, never rendered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from textwrap import fill
from types import UnionType
from typing import get_type_hints

import dagster as dg

from twin_assets.plots import image

_PREVIEW_CHARACTERS = 800
_PREVIEW_COLUMNS = 72  # the UI does not wrap code
_TABLE_ROWS = 50
_PLAIN_URL = re.compile(r"https?://[\w.~:/?#@!$&*+,;=%-]+", re.ASCII)
_TYPES = {int: "int64", float: "double", list[float]: "list<float32>"}


def preview(text: str) -> dg.MarkdownMetadataValue:
    """Return the beginning of a crawled text in a code fence that the text cannot close."""
    shown = text[:_PREVIEW_CHARACTERS] + ("…" if len(text) > _PREVIEW_CHARACTERS else "")
    shown = "\n".join(fill(line, _PREVIEW_COLUMNS) for line in shown.splitlines())
    fence = "`" * 3
    while fence in shown:
        fence += "`"
    return dg.MetadataValue.md(f"{fence}markdown\n{shown}\n{fence}")


def escaped(text: str) -> str:
    """Return a crawled title on one line, with everything escaped that Markdown would read."""
    marked = "".join(f"\\{c}" if c in r"\`*_{}[]<>()#+-.!|~" else c for c in text)
    return " ".join(marked.split())


def plot(svg: str, words: str) -> dg.MarkdownMetadataValue:
    """Return a plot to be seen in its place; ``words`` say what it shows."""
    return dg.MetadataValue.md(image(svg, words))


def link(title: str, url: str) -> str:
    """Return a crawled title as Markdown, leading to the page where that is a plain web address."""
    return f"[{escaped(title)}]({url})" if _PLAIN_URL.fullmatch(url) else escaped(title)


def row_count(rows: Sequence[object]) -> dict[str, int]:
    """Return the entry that the UI shows beside an asset and plots over time."""
    return {"dagster/row_count": len(rows)}


def columns(row_type: type) -> dict[str, dg.TableSchema]:
    """Return the entry with the columns of the assets' Parquet files, from their data class."""
    hints = get_type_hints(row_type)
    return {
        "dagster/column_schema": dg.TableSchema(
            [
                dg.TableColumn(
                    field.name,
                    _TYPES.get(hints[field.name], "string"),
                    constraints=dg.TableColumnConstraints(
                        nullable=isinstance(hints[field.name], UnionType)
                    ),
                )
                for field in fields(row_type)
            ]
        )
    }


def table(rows: Sequence[Mapping[str, str]], most: int = _TABLE_ROWS) -> dg.TableMetadataValue:
    """Return the first rows as a table; the Dagster UI shows cells as plain text."""
    names = list(rows[0]) if rows else ["none"]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(row)) for row in rows[:most]],
        schema=dg.TableSchema([dg.TableColumn(name) for name in names]),
    )


def spread(name: str, values: Sequence[int]) -> dict[str, int]:
    """Return the sum, smallest, median and largest of the values as metadata entries."""
    ordered = sorted(values) or [0]
    return {
        name: sum(ordered),
        f"{name} min": ordered[0],
        f"{name} median": ordered[len(ordered) // 2],
        f"{name} max": ordered[-1],
    }
