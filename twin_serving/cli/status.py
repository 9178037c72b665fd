"""`twin status`: authors by assets."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment, Segments
from rich.style import Style
from rich.text import Text

from twin_assets.documents import Outcome
from twin_assets.notifications import Failure
from twin_assets.settings import load_settings
from twin_assets.stores import create_store
from twin_serving.catalog import open_instance
from twin_serving.cli.output import counted, out, plain, print_json, write
from twin_serving.overview import AuthorStatus, Overview, State

_BAD = {Outcome.GONE, Outcome.REFUSED, Outcome.FAILED}
_MARKS = {State.CURRENT: "●", State.STALE: "◐", State.FAILED: "✗", State.MISSING: "○"}
_STYLES = {
    State.CURRENT: "green",
    State.STALE: "yellow",
    State.FAILED: "red",
    State.MISSING: "dim",
}


def status_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the status as JSON.")] = False,
) -> None:
    """Show which authors are materialized, stale or failed, and which index versions serve."""
    settings = load_settings()
    store = create_store(settings.index, settings)
    overview = Overview(settings, open_instance(settings), store)
    rows = overview.read(with_verdicts=False)
    failures = overview.failures(rows)
    if as_json:
        authors = [_json(row, failures.get(row.author.slug)) for row in rows]
        print_json({"home": str(settings.root), "authors": authors})
        return
    if not rows:
        out.print("There are no authors yet. Import some with `twin import FILE.jsonl`.")
        return
    out.print(_table(rows), end="")
    write("\n".join(f"{row.author.slug} {_versions(row)}" for row in rows))
    out.print(Text("  ".join(f"{mark} {state}" for state, mark in _MARKS.items()), style="dim"))
    for row in rows:
        _show_links(row)
        if failure := failures.get(row.author.slug):
            out.print(plain(f"{failure.author} failed in {failure.asset}: {failure.reason}"))
        if row.stale:
            out.print(plain(f"{row.author.slug}: {_reason(row)}. Run `twin build`."))


def _json(row: AuthorStatus, failure: Failure | None) -> dict[str, Any]:
    return {
        "slug": row.author.slug,
        "name": row.author.name,
        "sample": row.author.sample,
        "documents": row.documents,
        "assets": {asset.name: asset.state for asset in row.assets},
        "links": [
            {
                "link": visit.link,
                "outcome": visit.outcome,
                "detail": visit.detail,
                "visited_at": visit.visited_at,
            }
            for visit in row.visits
        ],
        "reason": _reason(row),
        "failure": f"{failure.asset}: {failure.reason}" if failure else None,
        "serving": row.serving,
        "pinned": row.pinned,
        "versions": [manifest.version for manifest in row.versions],
    }


def _reason(row: AuthorStatus) -> str | None:
    return f"{row.stale.asset}: {row.stale.reason}" if row.stale else None


def _versions(row: AuthorStatus) -> str:
    """Say which version is served, and which others are kept to go back to."""
    if row.serving is None:
        return "serves nothing"
    note = ", rolled back" if row.pinned else ""
    others = [m.version for m in row.versions if m.version != row.serving]
    kept = f"; kept: {', '.join(others)}" if others else ""
    return f"serves {row.serving}{note}{kept}"


def _show_links(row: AuthorStatus) -> None:
    """Say how the author's links fared, and name those that need a look."""
    if not row.visits:
        return
    counts = Counter(visit.outcome for visit in row.visits)
    shares = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    crawled = counted(len(row.visits), "link")
    out.print(plain(f"{row.author.slug}: {crawled} crawled: {shares}"))
    for visit in row.visits:
        if visit.outcome in _BAD:
            out.print(plain(f"  {visit.outcome}: {visit.link} {visit.detail}"))


def _table(rows: Sequence[AuthorStatus]) -> Segments:
    """Return a line an author. Rich's own table takes 2 ms a row, a text of it a tenth of that."""
    assets = [asset.name.partition("_")[0] for asset in rows[0].assets]
    names = [plain(row.author.name) + (" (sample)" if row.author.sample else "") for row in rows]
    wide = max(len("author"), *map(cell_len, names))
    head = f"{set_cell_size('author', wide)}  documents  {'  '.join(assets)}"
    table = [Segment(head, Style.parse("bold")), Segment.line()]
    styles = {state: Style.parse(style) for state, style in _STYLES.items()}
    for row, name in zip(rows, names, strict=True):
        table.append(Segment(f"{set_cell_size(name, wide)}  {row.documents:>9}"))
        for asset, title in zip(row.assets, assets, strict=True):
            mark = f"  {_MARKS[asset.state]:^{len(title)}}"
            table.append(Segment(mark, styles[asset.state]))
        table.append(Segment.line())
    return Segments(table)
