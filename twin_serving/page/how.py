"""Beside the answer: how it was found, stage by stage, and in which index versions."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from twin_serving.catalog import ServedPartition
from twin_serving.page.html import (
    asset_link,
    author_html,
    count_html,
    link_html,
    moment_html,
    run_link,
    seconds_html,
)
from twin_serving.retrieval import IndexUsed, StageTrace

STAGES = {
    "conversation": "Conversation",
    "self_query": "Author",
    "expansion": "Phrasings",
    "search": "Search",
    "rerank": "Rerank",
    "context": "Context",
    "generation": "Answer",
}
_OPEN_PARTITIONS = 3  # more would push the rest of the page away
_LISTED_PARTITIONS = 50


def trace_html(trace: Sequence[StageTrace]) -> str:
    """Return one row a stage: its seconds as a bar, what came out, or why it was skipped."""
    longest = max((entry.seconds for entry in trace), default=0.0)
    rows = "".join(_stage(entry, longest) for entry in trace)
    total = seconds_html(sum(entry.seconds for entry in trace))
    return (
        '<section aria-labelledby="trace-title"><h2 id="trace-title">How it was found'
        f' <span class="total">{total}</span></h2><ol class="trace">{rows}</ol></section>'
    )


def index_html(index: IndexUsed, dagster_link: str) -> str:
    """Return which index versions were searched, each with links into the Dagster UI."""
    items = "".join(
        _partition(partition, index.backend, dagster_link)
        for partition in index.partitions[:_LISTED_PARTITIONS]
    )
    count = len(index.partitions)
    if count > _LISTED_PARTITIONS:
        items += f'<li class="note">and {count - _LISTED_PARTITIONS:,} more</li>'
    state = " open" if count <= _OPEN_PARTITIONS else ""
    authors = count_html(count, "author")
    return (
        '<section aria-labelledby="index-title"><h2 id="index-title">Index searched</h2>'
        f'<details class="partitions"{state}><summary>{escape(index.backend)}, {authors}'
        f"</summary><ul>{items}</ul></details></section>"
    )


def _stage(entry: StageTrace, longest: float) -> str:
    name = escape(STAGES.get(entry.stage, entry.stage.replace("_", " ")))
    notes = [escape(entry.reason)] if entry.reason else []
    notes += _came_out(entry.output)
    share = 0 if entry.skipped or not longest else round(100 * entry.seconds / longest)
    time = "skipped" if entry.skipped else seconds_html(entry.seconds)
    return (
        f'<li class="{"stage skipped" if entry.skipped else "stage"}">'
        f'<span class="name">{name}</span><span class="time">{time}</span>'
        f'<span class="bar" aria-hidden="true"><i style="width:{share}%"></i></span>'
        f'<span class="note">{" · ".join(notes)}</span></li>'
    )


def _came_out(output: Mapping[str, Any]) -> list[str]:
    """What a stage put out, in a word or two each; long lists as their length."""
    notes: list[str] = []
    for key, value in output.items():
        if not value and key != "passages":
            continue
        shown = value
        if isinstance(value, list | tuple):
            is_records = any(isinstance(item, Mapping) for item in value)
            shown = len(value) if is_records else ", ".join(str(item) for item in value)
        notes.append(f"{escape(key.replace('_', ' '))} {escape(str(shown))}")
    return notes


def _partition(partition: ServedPartition, backend: str, dagster_link: str) -> str:
    asset = asset_link(dagster_link, f"{backend}_index", partition.author.slug)
    run = run_link(dagster_link, partition.run_id)
    size = f"{count_html(partition.documents, 'document')}, {count_html(partition.chunks, 'chunk')}"
    return (
        f'<li><span class="name">{author_html(partition)}</span>'
        f'<code class="version">{escape(partition.version)}</code>'
        f'<span class="note">{size}</span>'
        f'<span class="note">materialized {moment_html(partition.materialized_at)}</span>'
        f'<span class="links">{link_html(asset, "Asset in Dagster")}{link_html(run, "Run")}</span>'
        "</li>"
    )
