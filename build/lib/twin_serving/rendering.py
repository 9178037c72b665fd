"""HTML for the page. Everything that came from outside is escaped here, and nowhere else."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from twin_serving.answering import Piece, Support
from twin_serving.answers import Answer, Citation
from twin_serving.catalog import ServedPartition
from twin_serving.retrieval import Candidate, IndexUsed, Retrieval, StageTrace

_MARKER = re.compile(r"\[(\d+)\]")
_HEADING = re.compile(r"^#{1,6} .+$", re.MULTILINE)
_STAGES = {
    "self_query": "Author",
    "expansion": "Phrasings",
    "search": "Search",
    "rerank": "Rerank",
    "context": "Context",
    "generation": "Answer",
}
_ANSWERERS = {"extractive": "extractive: sentences quoted from the sources, no language model"}
_OPEN_PARTITIONS = 3  # more would push the rest of the page away
_WELCOMED = 24  # authors listed before the first question


def answerer_label(name: str) -> str:
    """Return what a reader should know about the answerer of this name."""
    return _ANSWERERS.get(name, name)


def render_welcome(partitions: Sequence[ServedPartition]) -> str:
    """Return what stands in the answer's place before the first question: who can be asked."""
    items = "".join(
        f'<li>{_author(partition)} <span class="note">{_count(partition.documents, "document")}'
        "</span></li>"
        for partition in partitions[:_WELCOMED]
    )
    more = len(partitions) - _WELCOMED
    if more > 0:
        items += f'<li class="note">and {more:,} more</li>'
    return (
        '<section class="welcome" aria-labelledby="welcome-title">'
        f'<h3 id="welcome-title">Authors you can ask about</h3><ul>{items}</ul></section>'
    )


def render_status(text: str) -> str:
    """Return the line that says what is going on; assistive technology reads its changes."""
    return f'<p class="status" role="status">{escape(text)}</p>'


def render_answer(answer: Answer, pieces: Sequence[Piece]) -> str:
    """Return a whole answer; without a passage it says only that nothing was found."""
    text = "".join(_piece(piece) for piece in pieces)
    question = answer.retrieval.question
    if not answer.retrieval.passages:
        return _answer(question, f'<p class="notice">{text}</p>')
    notes = [f"Answered by {escape(answerer_label(answer.written.by))}"]
    if not answer.citations and answer.fault is None:
        notes.append("it cites none of the sources below")
    if not answer.verdict.compliant:
        notes.append(f"not compliant: {escape(answer.verdict.reason or '')}")
    body = f'<p class="answer-text">{text}</p>' if text else ""
    if answer.fault is not None:
        body += f'<p class="notice notice-error" role="alert">{escape(answer.fault)}</p>'
    else:
        body += f'<p class="answered-by">{" · ".join(notes)}</p>'
    return _answer(question, body)


def render_partial_answer(question: str, pieces: Sequence[Piece]) -> str:
    """Return an answer that more pieces may follow."""
    text = "".join(_piece(piece) for piece in pieces)
    return _answer(question, f'<p class="answer-text">{text}</p>')


def render_error(message: str) -> str:
    """Return one calm line in the answer's place."""
    return _answer("", f'<p class="notice notice-error" role="alert">{escape(message)}</p>')


def render_sources(citations: Sequence[Citation], index: IndexUsed) -> str:
    """Return the passages, each closed, with the words marked that support the answer."""
    if not citations:
        return ""
    names = {partition.author.slug: _author(partition) for partition in index.partitions}
    items = "".join(f"<li>{_source(citation, names)}</li>" for citation in citations)
    return (
        '<section class="sources" aria-labelledby="sources-title">'
        f'<h3 id="sources-title">Sources</h3><ol>{items}</ol></section>'
    )


def render_author(retrieval: Retrieval) -> str:
    """Return which author was meant, and how that was decided."""
    if retrieval.author is not None:
        name, how = retrieval.author.name, retrieval.author.matched_by
        how = how if how == "chosen" else f"matched by {how}"
    else:
        reasons = (entry.reason for entry in retrieval.trace if entry.stage == "self_query")
        name, how = "Any author", next(reasons, None) or "no author was chosen"
    return (
        '<section aria-labelledby="author-title"><h3 id="author-title">Author meant</h3>'
        f'<p class="meant">{escape(name)}</p><p class="note">{escape(how)}</p></section>'
    )


def render_trace(trace: Sequence[StageTrace]) -> str:
    """Return one row a stage: its seconds as a bar, what came out, or why it was skipped."""
    longest = max((entry.seconds for entry in trace), default=0.0)
    rows = "".join(_stage(entry, longest) for entry in trace)
    total = _seconds(sum(entry.seconds for entry in trace))
    return (
        '<section aria-labelledby="trace-title"><h3 id="trace-title">How it was found'
        f' <span class="total">{total}</span></h3><ol class="trace">{rows}</ol></section>'
    )


def render_index(index: IndexUsed, dagster_link: str) -> str:
    """Return which index versions were searched, each with links into the Dagster UI."""
    items = "".join(
        _partition(partition, index.backend, dagster_link) for partition in index.partitions
    )
    count = len(index.partitions)
    state = " open" if count <= _OPEN_PARTITIONS else ""
    authors = _count(count, "author")
    return (
        '<section aria-labelledby="index-title"><h3 id="index-title">Index searched</h3>'
        f'<details class="partitions"{state}><summary>{escape(index.backend)}, {authors}'
        f"</summary><ul>{items}</ul></details></section>"
    )


def web_link(link: str) -> str | None:
    """Return the link if a browser may follow it: http or https, with a host."""
    try:
        parts = urlsplit(link)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return link if is_web else None


def _answer(question: str, body: str) -> str:
    heading = f'<h2 class="asked">{escape(question)}</h2>' if question else ""
    return (
        f'<section class="answer" aria-label="Answer">{heading}'
        f'<div aria-live="polite">{body}</div></section>'
    )


def _piece(piece: Piece) -> str:
    """A marker is a link only where the piece rests on it: quoted words may hold ``[3]`` too."""
    cited = {support.n for support in piece.support}

    def chip(marker: re.Match[str]) -> str:
        n = int(marker[1])
        if n not in cited:
            return marker[0]
        return f'<a class="cite" href="#source-{n}" aria-label="Source {n}">{n}</a>'

    # escaping leaves brackets and digits as they are
    return _MARKER.sub(chip, escape(piece.text))


def _source(citation: Citation, names: Mapping[str, str]) -> str:
    candidate = citation.passage.candidate
    document = candidate.document
    n = citation.passage.n
    title = escape(document.title or document.path or document.link)
    author = names.get(document.author) or escape(document.author)
    facts = [author, document.category.value, f"similarity {candidate.similarity:.2f}"]
    if document.published_at:
        facts.insert(2, escape(document.published_at))
    is_code = document.path is not None
    text = _marked(candidate, citation.support, escape if is_code else _prose)
    place = f"characters {candidate.start:,} to {candidate.end:,}"
    return (
        f'<details class="source" id="source-{n}"><summary>'
        f'<span class="number" aria-hidden="true">{n}</span><span class="title">{title}</span>'
        f'<span class="facts">{" · ".join(facts)}</span></summary>'
        f'<blockquote class="passage{" code" if is_code else ""}">{text}</blockquote>'
        f'<p class="origin">{_original(document.link)}'
        f'<span class="note" title="chunk {escape(candidate.chunk_id)}">{place}</span></p>'
        "</details>"
    )


def _original(link: str) -> str:
    href = web_link(link)
    if href is None:
        return escape(link)
    host = escape(urlsplit(href).hostname or "")
    return (
        f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer nofollow">'
        f"Open the original on {host}</a>"
    )


def _marked(candidate: Candidate, support: Sequence[Support], escaped: Callable[[str], str]) -> str:
    """Return the passage's text with its supporting spans marked."""
    text = candidate.text
    parts: list[str] = []
    at = 0
    for start, end in _merged(support, candidate.start, len(text)):
        parts += [escaped(text[at:start]), "<mark>", escaped(text[start:end]), "</mark>"]
        at = end
    return "".join(parts) + escaped(text[at:])


def _prose(text: str) -> str:
    """Escape the text and make its Markdown headings bold; nothing else is interpreted."""
    return _HEADING.sub(lambda line: f"<b>{line[0]}</b>", escape(text))


def _merged(support: Sequence[Support], offset: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the spans within the passage, ordered and apart."""
    last: tuple[int, int] | None = None
    for words in sorted(support, key=lambda words: words.start):
        start, end = max(0, words.start - offset), min(length, words.end - offset)
        if start >= end:
            continue
        if last is not None and start <= last[1]:
            last = (last[0], max(last[1], end))
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last


def _stage(entry: StageTrace, longest: float) -> str:
    name = escape(_STAGES.get(entry.stage, entry.stage.replace("_", " ")))
    notes = [escape(entry.reason)] if entry.reason else []
    notes += _came_out(entry.output)
    share = 0 if entry.skipped or not longest else round(100 * entry.seconds / longest)
    time = "skipped" if entry.skipped else _seconds(entry.seconds)
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


def _seconds(seconds: float) -> str:
    if seconds < 0.001:
        return "under 1 ms"
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _partition(partition: ServedPartition, backend: str, dagster_link: str) -> str:
    slug = quote(partition.author.slug, safe="")
    asset = f"{dagster_link}/assets/{backend}_index?view=partitions&partition={slug}"
    run = f"{dagster_link}/runs/{quote(partition.run_id, safe='')}"
    size = f"{_count(partition.documents, 'document')}, {_count(partition.chunks, 'chunk')}"
    return (
        f'<li><span class="name">{_author(partition)}</span>'
        f'<code class="version">{escape(partition.version)}</code>'
        f'<span class="note">{size}</span>'
        f'<span class="note">materialized {_moment(partition.materialized_at)}</span>'
        f'<span class="links">{_dagster(asset, "Asset in Dagster")}{_dagster(run, "Run")}</span>'
        "</li>"
    )


def _dagster(href: str, label: str) -> str:
    return f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _moment(iso: str) -> str:
    """``2026-03-01T09:30:12+00:00`` as ``2026-03-01 09:30 UTC``."""
    return f'<time datetime="{escape(iso)}">{escape(iso[:16].replace("T", " "))} UTC</time>'


def _author(partition: ServedPartition) -> str:
    sample = ' <span class="sample">sample</span>' if partition.author.sample else ""
    return escape(partition.author.name) + sample
