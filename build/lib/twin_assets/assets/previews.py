"""Metadata that people look at. Crawled text is shown as it is written, never rendered."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import dagster as dg

_PREVIEW_CHARACTERS = 800
_PREVIEW_COLUMNS = 96  # the UI does not wrap code
_TABLE_ROWS = 50


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
