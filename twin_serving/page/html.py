"""Pieces of HTML that every tab is made of. Whatever came from outside is escaped."""

from html import escape
from urllib.parse import quote, urlsplit

from twin_serving.catalog import ServedPartition


def status_html(text: str) -> str:
    """Return the line that says what is going on; assistive technology reads its changes."""
    return f'<p class="status" role="status">{escape(text)}</p>'


def notice_html(message: str) -> str:
    """Return one calm line that says what there is to know, or to do."""
    return f'<p class="notice">{escape(message)}</p>'


def fault_html(message: str) -> str:
    """Return one line that says what went wrong; assistive technology reads it at once."""
    return f'<p class="notice notice-error" role="alert">{escape(message)}</p>'


def seconds_html(seconds: float) -> str:
    """Return a time as people read it: ``under 1 ms``, ``23 ms``, ``1.4 s``."""
    if seconds < 0.001:
        return "under 1 ms"
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def count_html(number: int, noun: str) -> str:
    """Return ``1 chunk``, ``1,234 chunks``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def moment_html(iso: str) -> str:
    """Return ``2026-03-01T09:30:12+00:00`` as ``2026-03-01 09:30 UTC``."""
    return f'<time datetime="{escape(iso)}">{escape(iso[:16].replace("T", " "))} UTC</time>'


def author_html(partition: ServedPartition) -> str:
    """Return the author's name, marked where it is a sample."""
    sample = ' <span class="sample">sample</span>' if partition.author.sample else ""
    return escape(partition.author.name) + sample


def link_html(href: str, label: str) -> str:
    """Return a link of ours to another tab of the browser."""
    return f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer">{escape(label)}</a>'


def web_link(link: str) -> str | None:
    """Return the link if a browser may follow it: http or https, with a host."""
    try:
        parts = urlsplit(link)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return link if is_web else None


def asset_link(dagster_link: str, asset: str, author: str) -> str:
    """Return the address of an asset's partition in the Dagster UI."""
    return f"{dagster_link}/assets/{asset}?view=partitions&partition={quote(author, safe='')}"


def run_link(dagster_link: str, run_id: str) -> str:
    """Return the address of a run in the Dagster UI."""
    return f"{dagster_link}/runs/{quote(run_id, safe='')}"
