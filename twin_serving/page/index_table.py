"""HTML of the table of authors by assets: the rows, what a row opens to, and what leads to them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

from twin_assets.documents import Author, Outcome, slugify
from twin_assets.stores.manifest import Manifest
from twin_serving.overview import AssetStatus, AuthorStatus, Details, State
from twin_serving.page.html import (
    asset_link,
    count_html,
    link_html,
    moment_html,
    notice_html,
    run_link,
    web_link,
)

PAGE_SIZE = 50
_MOST_LINKS = 20  # of those that failed; the asset's page in Dagster lists all
_STATES = {
    State.CURRENT: "current",
    State.STALE: "stale",
    State.FAILED: "failed",
    State.MISSING: "not built",
}
_NO_AUTHORS = (
    "There are no authors yet. Add one on the Add tab or with `twin add`, or import documents with "
    "`twin import FILE.jsonl`."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What of the authors is shown: the rows' filter and page, the open row, what it asks."""

    words: str = ""
    state: State | None = None
    page: int = 0
    opened: str | None = None
    confirm: str | None = None
    """The version that is about to be served, if the reader says so once more."""


def choose(authors: Sequence[Author], states: Mapping[str, State], shown: Shown) -> list[Author]:
    """Return the authors that fit the filter, whose words stand in the name or an alias."""
    words = slugify(shown.words)
    return [
        author
        for author in authors
        if (shown.state is None or states.get(author.slug) is shown.state)
        and (
            not words
            or any(words in slugify(name) for name in (author.name, author.slug, *author.aliases))
        )
    ]


def page_of(chosen: Sequence[Author], shown: Shown) -> Sequence[Author]:
    """Return the chosen authors of the page that is shown, or of the last page there is."""
    first = min(shown.page, max(0, ceil(len(chosen) / PAGE_SIZE) - 1)) * PAGE_SIZE
    return chosen[first : first + PAGE_SIZE]


def render_summary(count: int, states: Mapping[str, State] | None, shown: Shown) -> str:
    """Return how many authors stand how; each state is a button that shows only those.

    Args:
        count: authors in all.
        states: how each stands; None while that is being read.
        shown: what is shown.
    """
    total = f"<strong>{count_html(count, 'author')}</strong>"
    if not count:
        return ""
    if states is None:
        return f'<p class="summary">{total} <span class="note">reading their states…</span></p>'
    counts = Counter(states.values())
    buttons = "".join(
        f'<button type="button" data-act="only" data-state="{state}" '
        f'aria-pressed="{"true" if state is shown.state else "false"}">'
        f"{_mark(state)}{counts[state]:,} {_STATES[state]}</button>"
        for state in State
        if counts[state] or state is shown.state
    )
    return f'<p class="summary">{total} {buttons}</p>'


def render_table(
    rows: Sequence[AuthorStatus],
    chosen: int,
    shown: Shown,
    dagster_link: str,
    *,
    building: Collection[str] = (),
    details: Details | None = None,
) -> str:
    """Return the rows of the page that is shown, one of them open.

    Args:
        rows: the page's authors.
        chosen: how many authors fit the filter, on all pages.
        shown: what is shown.
        dagster_link: the Dagster UI's address.
        building: the authors that a run is under way for.
        details: what the open row says.
    """
    if not rows:
        if not shown.words and shown.state is None:
            return notice_html(_NO_AUTHORS)
        return (
            f"{notice_html('No author fits the filter.')}"
            '<p><button type="button" data-act="all">Show all authors</button></p>'
        )
    assets = [asset.name for asset in rows[0].assets]
    headings = "".join(
        f'<th scope="col" class="asset">{escape(_short(asset))}</th>' for asset in assets
    )
    columns = len(assets) + 6
    body = "".join(
        _row(row, is_open=row.author.slug == shown.opened, is_building=row.author.slug in building)
        + (
            _details(row, details, shown, dagster_link, columns)
            if details is not None and row.author.slug == shown.opened
            else ""
        )
        for row in rows
    )
    return (
        '<table class="authors"><caption class="unseen">Authors and the state of their assets'
        f'</caption><thead><tr><th scope="col">Author</th>{headings}<th scope="col">Materialized'
        '</th><th scope="col" class="number">Documents</th><th scope="col" class="number">Chunks'
        '</th><th scope="col">Checks</th><th scope="col"><span class="unseen">Build</span></th>'
        f"</tr></thead><tbody>{body}</tbody></table>{_pager(len(rows), chosen, shown)}"
    )


def _row(row: AuthorStatus, *, is_open: bool, is_building: bool) -> str:
    slug = escape(row.author.slug)
    sample = ' <span class="sample">sample</span>' if row.author.sample else ""
    why = f'<span class="note">{escape(_why(row))}</span>' if row.state is not State.CURRENT else ""
    assets = "".join(
        f'<td class="asset" data-label="{escape(_short(asset.name))}">{_mark(asset.state)}'
        f'<span class="unseen">{_STATES[asset.state]}</span></td>'
        for asset in row.assets
    )
    served = row.served
    documents, chunks = (served.documents, served.chunks) if served else (None, None)
    return (
        f'<tr class="author"><th scope="row"><button type="button" data-act="open" '
        f'data-author="{slug}" aria-expanded="{"true" if is_open else "false"}">'
        f"<span>{escape(row.author.name)}</span></button>{sample}{why}</th>{assets}"
        f'<td class="served" data-label="Materialized">{_served(row)}</td>'
        f'<td class="number" data-label="Documents">{_count(documents)}</td>'
        f'<td class="number" data-label="Chunks">{_count(chunks)}</td>'
        f'<td class="checks" data-label="Checks">{_checks(row.assets)}</td>'
        f'<td class="action">{_build_button(row, is_building=is_building)}</td></tr>'
    )


def _why(row: AuthorStatus) -> str:
    """Why the author is not current, in a few words."""
    if row.state is State.FAILED:
        failed = next((a.name for a in row.assets if a.state is State.FAILED), "")
        return f"{_words(failed)} failed"
    if row.state is State.MISSING or row.stale is None:
        return "never built"
    return f"{_words(row.stale.asset)}: {row.stale.reason}"


def _served(row: AuthorStatus) -> str:
    index = row.assets[-1]
    at = moment_html(index.materialized_at) if index.materialized_at else ""
    if row.serving is None:
        return f'{at}<span class="note">serves nothing</span>'
    note = " rolled back" if row.pinned else ""
    return (
        f'{at}<span class="note">serves <code title="{escape(row.serving)}">'
        f"{escape(row.serving.rpartition('-')[2])}</code>{note}</span>"
    )


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _checks(assets: Sequence[AssetStatus]) -> str:
    given = [asset.passed for asset in assets if asset.passed is not None]
    if not given:
        return "–"
    failed = given.count(False)
    if failed:
        return f'<span class="bad">{failed} of {len(given)} failed</span>'
    doubts = sum(len(asset.doubts) for asset in assets)
    to_see = f', <span class="doubt">{doubts} to look at</span>' if doubts else ""
    return f"{len(given)} passed{to_see}"


def _build_button(row: AuthorStatus, *, is_building: bool) -> str:
    if is_building:
        return '<span class="note">building…</span>'
    if row.state is State.CURRENT and not row.author.sources:
        return ""
    label = "Crawl again" if row.state is State.CURRENT else "Build"
    return (
        f'<button type="button" data-act="build" data-author="{escape(row.author.slug)}">{label}'
        f'<span class="unseen"> {escape(row.author.name)}</span></button>'
    )


def _details(
    row: AuthorStatus, details: Details, shown: Shown, dagster_link: str, columns: int
) -> str:
    failure = f'<p class="bad">{escape(details.failure)}</p>' if details.failure else ""
    assets = "".join(_asset(asset, row, dagster_link) for asset in row.assets)
    versions = "".join(
        _version(manifest, row, details.refused.get(manifest.version), shown.confirm)
        for manifest in row.versions
    )
    versions = f"<ul>{versions}</ul>" if versions else '<p class="note">None yet.</p>'
    raw = f"{count_html(row.documents, 'document')} in the raw store"
    return (
        f'<tr class="details"><td colspan="{columns}"><div class="parts">'
        f'<section><h3>Assets</h3>{failure}<ul>{assets}</ul><p class="note">{raw}</p></section>'
        f"<section><h3>Versions kept</h3>{versions}</section>{_links(row)}</div></td></tr>"
    )


def _asset(asset: AssetStatus, row: AuthorStatus, dagster_link: str) -> str:
    notes = [_STATES[asset.state]]
    if row.stale and row.stale.asset == asset.name:
        notes.append(escape(row.stale.reason))
    if asset.passed is not None:
        notes.append("check passed" if asset.passed else '<span class="bad">check failed</span>')
    notes += [f'<span class="doubt">not so: {escape(_words(name))}</span>' for name in asset.doubts]
    if asset.materialized_at:
        notes.append(moment_html(asset.materialized_at))
    links = [link_html(asset_link(dagster_link, asset.name, row.author.slug), "Partition")]
    if asset.run_id:
        links.append(link_html(run_link(dagster_link, asset.run_id), "Run"))
    return (
        f'<li>{_mark(asset.state)}<span class="name">{escape(_words(asset.name))}</span>'
        f'<span class="note">{" · ".join(notes)}</span>'
        f'<span class="links">{"".join(links)}</span></li>'
    )


def _version(
    manifest: Manifest, row: AuthorStatus, refused: str | None, confirm: str | None
) -> str:
    version = escape(manifest.version)
    data = f'data-author="{escape(row.author.slug)}" data-version="{version}"'
    if manifest.version == row.serving:
        action = '<span class="serving">served</span>'
    elif refused:
        action = f'<span class="note">may not be served: {escape(refused)}</span>'
    elif manifest.version == confirm:
        # Cancel stands where the button was that asked, and keeps its focus
        action = (
            f'<button type="button" data-act="keep" {data}>Cancel</button>'
            f'<button type="button" data-act="serve" {data}>Yes, serve it</button>'
            '<span class="note" role="status">Questions are answered from this version at once. '
            "Nothing is embedded, and the next new version is served again.</span>"
        )
    else:
        action = (
            f'<button type="button" data-act="confirm" {data}>Serve this version'
            f'<span class="unseen"> {version}</span></button>'
        )
    size = f"{count_html(manifest.documents, 'document')}, {count_html(manifest.chunks, 'chunk')}"
    return (
        f'<li><code>{version}</code><span class="note">{moment_html(manifest.created_at)} · {size}'
        f'</span><span class="acts">{action}</span></li>'
    )


def _links(row: AuthorStatus) -> str:
    """What came of the links that were crawled; those that need a look are named."""
    if not row.visits:
        return ""
    counts = Counter(visit.outcome for visit in row.visits)
    shares = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    bad = [v for v in row.visits if v.outcome in (Outcome.FAILED, Outcome.REFUSED, Outcome.GONE)]
    items = "".join(
        f'<li><span class="name">{_foreign(visit.link)}</span>'
        f'<span class="note">{visit.outcome}: {escape(visit.detail)}</span></li>'
        for visit in bad[:_MOST_LINKS]
    )
    if len(bad) > _MOST_LINKS:
        items += f'<li class="note">and {len(bad) - _MOST_LINKS:,} more</li>'
    listed = f"<ul>{items}</ul>" if items else ""
    return (
        f'<section><h3>Crawled links</h3><p class="note">{count_html(len(row.visits), "link")}: '
        f"{escape(shares)}</p>{listed}</section>"
    )


def _foreign(link: str) -> str:
    """A link that was crawled: followed only if a browser may, and nothing is told to where."""
    href = web_link(link)
    if href is None:
        return escape(link)
    return (
        f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer nofollow">'
        f"{escape(link)}</a>"
    )


def _pager(rows: int, chosen: int, shown: Shown) -> str:
    if chosen <= PAGE_SIZE:
        return ""
    page = min(shown.page, ceil(chosen / PAGE_SIZE) - 1)
    first = page * PAGE_SIZE + 1
    last = first + rows - 1

    def button(label: str, to: int) -> str:
        is_there = 0 <= to * PAGE_SIZE < chosen
        state = "" if is_there else " disabled"
        return f'<button type="button" data-act="page" data-page="{to}"{state}>{label}</button>'

    return (
        f'<nav class="pager" aria-label="Pages of authors">{button("Previous", page - 1)}'
        f"<span>{first:,} to {last:,} of {chosen:,}</span>{button('Next', page + 1)}</nav>"
    )


def _mark(state: State) -> str:
    return f'<i class="mark {state}" aria-hidden="true"></i>'


def _short(asset: str) -> str:
    return asset.partition("_")[0].capitalize()


def _words(asset: str) -> str:
    return asset.replace("_", " ")
