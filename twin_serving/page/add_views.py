"""What the Add tab says, as HTML: what would be stored, what was, and how far the build is."""

from collections.abc import Mapping
from html import escape

from twin_assets.documents import Category
from twin_assets.raw_store.jsonl import BadLine
from twin_serving.adding import Added, Checked, CheckedSource, Wanted
from twin_serving.page.html import count_html, fault_html, link_html, notice_html, run_link
from twin_serving.progress import Progress, Stage
from twin_serving.uploads import JSONL, Contents

_SHOWN = 20  # links, bad lines
_NAMED = 5  # authors of a file
_CRAWLERS = {
    "medium export": "export archive of Medium",
    "linkedin export": "export archive of LinkedIn",
    "github": "GitHub repository or account",
    "repository": "a repository's tarball",
    "medium": "Medium story, author or publication",
    "linkedin": "public LinkedIn post or article",
    "article": "web page, blog or feed",
    JSONL: "documents as JSON lines",
}
_NOUNS = {
    Category.ARTICLE: "article",
    Category.POST: "post",
    Category.REPOSITORY: "repository file",
}
_STEPS = {
    "raw_documents": "Collected",
    "cleaned_documents": "Cleaned",
    "chunks": "Cut into chunks",
    "windows": "Cut into windows",
    "embeddings": "Embedded",
}
_STAGES = {  # as HTML
    Stage.WAITING: "Waiting for Dagster, which looks for new documents every half minute.",
    Stage.ASLEEP: "Nothing is building: Dagster's daemon does not run here. Start "
    "<code>twin up</code>, or run <code>twin build</code>.",
    Stage.QUEUED: "Dagster has it in its queue.",
    Stage.BUILDING: "Dagster is building.",
    Stage.READY: "Can be asked now.",
}


def render_hints(megabytes: int) -> str:
    """Return what can be added, before anything is filled in."""
    return _section(
        "What can be added",
        "<ul><li><b>Links</b>: a blog, its feed or one of its pages; a Medium story, author or "
        "publication; a public LinkedIn post or article; a GitHub repository or account.</li>"
        "<li><b>A file</b>: the export archive of Medium or LinkedIn (.zip), a repository's "
        "tarball (.tar.gz), or documents as JSON lines (.jsonl), which name their authors "
        f"themselves; {megabytes} MB at most.</li>"
        "<li><b>Files and folders of the server</b>: only on its own command line, with "
        "<code>twin add</code>.</li></ul>"
        "<p>Check shows what would come of it and stores nothing.</p>",
    )


def render_checked(checked: Checked, wanted: Wanted) -> str:
    """Return what would be stored, or why nothing is."""
    if checked.faults:
        verdict = "".join(fault_html(fault) for fault in checked.faults)
    else:
        verdict = notice_html("All of it can be used. Nothing is stored yet: press Add.")
    parts = [verdict]
    if checked.author is not None:
        also = f", also {', '.join(wanted.aliases)}" if wanted.aliases else ""
        parts.append(
            f'<h4>Author</h4><p class="who">{escape(checked.author.name)}'
            f'<span class="note">{escape(also)}</span></p>'
        )
    if checked.sources:
        parts.append(f"<h4>Links</h4>{_sources(checked.sources)}")
    if checked.contents is not None and wanted.upload is not None:
        parts.append(_contents(checked.contents, wanted.upload.name))
    return _section("What would be stored", "".join(parts))


def render_added(added: Added, followed: int) -> str:
    """Return what was stored, and of how many authors the progress is shown."""
    parts = []
    if added.report is not None:
        counts = added.report.counts
        parts.append(
            f"<p>{counts.new:,} new, {counts.changed:,} changed, {counts.unchanged:,} unchanged "
            f"{'document' if counts.unchanged == 1 else 'documents'}.</p>"
        )
        parts.append(_bad_lines(added.report.bad, added.report.bad_lines))
    else:
        parts.append("<p>The author and the sources are kept; the build reads them.</p>")
    if (more := len(added.authors) - followed) > 0:
        parts.append(
            f"<p>{count_html(more, 'more author')} beside those below; "
            "<code>twin status</code> tells how far they are.</p>"
        )
    return _section("Stored", "".join(parts))


def render_progress(progress: Progress, dagster_link: str) -> str:
    """Return how far the author is, with a button to ask or a link to the run."""
    author = progress.author
    said = _STAGES.get(progress.stage) or f"The build failed: {escape(progress.reason)}"
    is_failed = progress.stage is Stage.FAILED
    links = []
    if progress.stage is Stage.READY:
        links.append(
            f'<button type="button" class="go" data-act="ask" data-author="{escape(author.slug)}">'
            f"Ask about {escape(author.name)}</button>"
        )
    if progress.run_id is not None:
        links.append(link_html(run_link(dagster_link, progress.run_id), "Run in Dagster"))
    steps = "".join(
        _step(_STEPS.get(asset, "Indexed"), at, progress)
        for at, asset in enumerate(progress.assets)
    )
    return _section(
        author.name,
        f'<p class="{"stage-failed" if is_failed else "stage-now"}" '
        f'role="{"alert" if is_failed else "status"}">{said}</p>'
        f'<ol class="steps">{steps}</ol>'
        f'<p class="links">{"".join(links)}</p>{_bad_links(progress)}',
    )


def _step(label: str, at: int, progress: Progress) -> str:
    if at < progress.done:
        state = "done"
    elif at == progress.done and progress.stage is Stage.BUILDING:
        state = "now"
    elif at == progress.done and progress.stage is Stage.FAILED:
        state = "failed"
    else:
        state = "ahead"
    word = {"now": "at work", "ahead": "to come"}.get(state, state)
    return f'<li class="{state}">{label} <span class="note">{word}</span></li>'


def _bad_links(progress: Progress) -> str:
    if not progress.bad_links:
        return ""
    items = "".join(
        f'<li><span class="what">{escape(visit.link)}</span> '
        f'<span class="note">{escape(visit.outcome)}: {escape(visit.detail)}</span></li>'
        for visit in progress.bad_links[:_SHOWN]
    )
    number = count_html(len(progress.bad_links), "link")
    return f"<h4>{number} could not be read</h4><ul>{items}{_more(len(progress.bad_links))}</ul>"


def _sources(sources: tuple[CheckedSource, ...]) -> str:
    items = "".join(
        f'<li><span class="what">{escape(one.source)}</span> '
        + (
            f'<span class="fault">{escape(one.fault)}</span></li>'
            if one.fault
            else f'<span class="note">{escape(_crawler(one.crawler or ""))}</span></li>'
        )
        for one in sources[:_SHOWN]
    )
    return f"<ul>{items}{_more(len(sources))}</ul>"


def _contents(contents: Contents, name: str) -> str:
    parts = [
        f'<h4>File</h4><p class="who">{escape(name)} '
        f'<span class="note">{escape(_crawler(contents.kind))}</span></p>',
        f"<p>{_documents(contents.documents)}</p>",
    ]
    if not contents.whole:
        parts.append(
            '<p class="note">It was not looked at to its end, which would take too long here; '
            "all of it is read when it is added.</p>"
        )
    if contents.authors:
        names = list(contents.authors.values())
        more = len(names) - _NAMED
        tail = f" and {more:,} more" if more > 0 else ""
        parts.append(f"<p>By {escape(', '.join(names[:_NAMED]))}{tail}</p>")
    if contents.detail:
        parts.append(f'<p class="note">{escape(contents.detail)}</p>')
    parts.append(_bad_lines(contents.bad, contents.bad_lines))
    return "".join(parts)


def _documents(documents: Mapping[Category, int]) -> str:
    counts = [
        count_html(documents[one], noun) for one, noun in _NOUNS.items() if documents.get(one)
    ]
    return ", ".join(counts) or "no document"


def _bad_lines(number: int, lines: tuple[BadLine, ...]) -> str:
    if not number:
        return ""
    items = "".join(
        f'<li>line {line.number:,}: <span class="note">{escape(line.reason)}</span></li>'
        for line in lines[:_SHOWN]
    )
    are = "is" if number == 1 else "are"
    title = f"{count_html(number, 'line')} cannot be used and {are} left out"
    return f'<h4>{title}</h4><ul class="bad">{items}{_more(number)}</ul>'


def _more(number: int) -> str:
    return f'<li class="note">and {number - _SHOWN:,} more</li>' if number > _SHOWN else ""


def _crawler(name: str) -> str:
    return _CRAWLERS.get(name, name)


def _section(title: str, body: str) -> str:
    return f'<section class="panel"><h3>{escape(title)}</h3>{body}</section>'
