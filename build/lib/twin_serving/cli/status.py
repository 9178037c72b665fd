"""`twin status`: authors by assets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Annotated

import dagster as dg
import typer
from rich.table import Table
from rich.text import Text

from twin_assets.assets import chain
from twin_assets.documents import Outcome, Visit
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import create_store
from twin_serving.catalog import open_instance
from twin_serving.cli.output import counted, out, plain, print_json
from twin_serving.cli.plan import read_staleness, why_crawl

_BAD = {Outcome.GONE, Outcome.REFUSED, Outcome.FAILED}
_MARKS = {"current": "●", "stale": "◐", "failed": "✗", "missing": "○"}
_STYLES = {"current": "green", "stale": "yellow", "failed": "red", "missing": "dim"}


@dataclass(frozen=True, slots=True)
class AuthorStatus:
    """One author's row: the state of each asset, and what is served."""

    slug: str
    name: str
    sample: bool
    documents: int
    assets: Mapping[str, str]
    links: Sequence[Mapping[str, str]]
    reason: str | None
    serving: str | None
    pinned: bool
    versions: Sequence[str]


def read_status(settings: TwinSettings, instance: dg.DagsterInstance) -> list[AuthorStatus]:
    """Return the status of every author in the raw store.

    An asset is ``current``, ``stale``, ``failed`` (the last attempt came to nothing) or ``missing``
    (there was none). ``reason`` says why the first one that is not current is not.
    """
    with closing(open_raw_store(settings)) as store:
        authors = store.authors()
        revisions = {author.slug: store.revision(author.slug) for author in authors}
        to_crawl = {author.slug: why_crawl(author, store, again=False) for author in authors}
        visits = {author.slug: list(store.visits(author.slug).values()) for author in authors}
        counts = {author.slug: sum(store.count(author.slug).values()) for author in authors}
    staleness = read_staleness(settings, instance)
    assets = [asset.key.to_user_string() for asset in chain([settings.index])]
    failed = {asset: failed_authors(instance, asset) for asset in assets}
    index = create_store(settings.index, settings)
    rows = []
    for author in authors:
        first = staleness.first_stale(author.slug, revisions[author.slug], to_crawl[author.slug])
        behind = assets.index(first.asset) if first else len(assets)
        states = {}
        for place, asset in enumerate(assets):
            if author.slug in failed[asset]:
                states[asset] = "failed"
            elif staleness.tags(asset, author.slug) is None:
                states[asset] = "missing"
            else:
                states[asset] = "stale" if place >= behind else "current"
        rows.append(
            AuthorStatus(
                slug=author.slug,
                name=author.name,
                sample=author.sample,
                documents=counts[author.slug],
                assets=states,
                links=[_link_row(visit) for visit in visits[author.slug]],
                reason=f"{first.asset}: {first.reason}" if first else None,
                serving=index.serving(author.slug),
                pinned=index.pinned_over(author.slug) is not None,
                versions=[manifest.version for manifest in index.versions(author.slug)],
            )
        )
    return rows


def _link_row(visit: Visit) -> dict[str, str]:
    return {
        "link": visit.link,
        "outcome": visit.outcome.value,
        "detail": visit.detail,
        "visited_at": visit.visited_at,
    }


def failed_authors(instance: dg.DagsterInstance, asset: str) -> set[str]:
    """Return the authors whose last attempt at the asset ended in a failed run, without it."""
    events = instance.event_log_storage
    attempts = events.get_latest_asset_partition_materialization_attempts_without_materializations(
        dg.AssetKey(asset)
    )
    run_ids = list({run_id for run_id, _ in attempts.values()})
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids)) if run_ids else []
    failed = {run.run_id for run in runs if run.status == dg.DagsterRunStatus.FAILURE}
    return {author for author, (run_id, _) in attempts.items() if run_id in failed}


def status_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the status as JSON.")] = False,
) -> None:
    """Show which authors are materialized, stale or failed, and which index versions serve."""
    settings = load_settings()
    rows = read_status(settings, open_instance(settings))
    if as_json:
        print_json({"home": str(settings.root), "authors": [asdict(row) for row in rows]})
        return
    if not rows:
        out.print("There are no authors yet. Import some with `twin import FILE.jsonl`.")
        return
    out.print(_table(rows), soft_wrap=False)
    for row in rows:
        out.print(plain(f"{row.slug} {_versions(row)}"))
    out.print(Text("  ".join(f"{mark} {state}" for state, mark in _MARKS.items()), style="dim"))
    for row in rows:
        _show_links(row)
        if row.reason:
            out.print(plain(f"{row.slug}: {row.reason}. Run `twin build`."))


def _versions(row: AuthorStatus) -> str:
    """Say which version is served, and which others are kept to go back to."""
    if row.serving is None:
        return "serves nothing"
    note = ", rolled back" if row.pinned else ""
    others = [version for version in row.versions if version != row.serving]
    kept = f"; kept: {', '.join(others)}" if others else ""
    return f"serves {row.serving}{note}{kept}"


def _show_links(row: AuthorStatus) -> None:
    """Say how the author's links fared, and name those that need a look."""
    if not row.links:
        return
    counts = Counter(link["outcome"] for link in row.links)
    shares = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    out.print(plain(f"{row.slug}: {counted(len(row.links), 'link')} crawled: {shares}"))
    for link in row.links:
        if link["outcome"] in _BAD:
            out.print(plain(f"  {link['outcome']}: {link['link']} {link['detail']}"))


def _table(rows: Sequence[AuthorStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("author")
    table.add_column("documents", justify="right")
    assets = list(rows[0].assets)
    for asset in assets:
        table.add_column(asset.partition("_")[0], justify="center")
    for row in rows:
        marks = [Text(_MARKS[row.assets[a]], style=_STYLES[row.assets[a]]) for a in assets]
        name = plain(row.name) + (" (sample)" if row.sample else "")
        table.add_row(name, str(row.documents), *marks)
    return table
