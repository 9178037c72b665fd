"""The passages as HTML, each in its document, with the words marked that support the answer."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from urllib.parse import urlsplit

from twin_serving.answering import Support
from twin_serving.answers import Citation
from twin_serving.page.html import author_html, web_link
from twin_serving.page.prose import code_html, prose_html
from twin_serving.retrieval import IndexUsed

_AROUND = 6000  # characters of the document that are shown before and after the passage
_READ = 20_000  # characters before those that are read, for what they begin, as a block of code


def sources_html(
    citations: Sequence[Citation],
    index: IndexUsed,
    title: str = "Sources",
    *,
    prefix: str = "source",
    notes: Mapping[int, str] | None = None,
) -> str:
    """Return the passages, each closed; opened, each stands in its document.

    Args:
        citations: the passages with their supporting words.
        index: where they were found.
        title: of the list.
        prefix: what the sources' ids begin with; citations lead to them.
        notes: HTML to put beside a source's facts, by its number.
    """
    if not citations:
        return ""
    names = {partition.author.slug: author_html(partition) for partition in index.partitions}
    items = "".join(
        f"<li>{_source(citation, names, prefix, notes or {})}</li>" for citation in citations
    )
    return (
        f'<section class="sources" aria-labelledby="{prefix}-title">'
        f'<h2 id="{prefix}-title">{escape(title)}</h2><ol>{items}</ol></section>'
    )


def _source(
    citation: Citation, names: Mapping[str, str], prefix: str, notes: Mapping[int, str]
) -> str:
    candidate = citation.passage.candidate
    document = candidate.document
    n = citation.passage.n
    title = escape(document.title or document.path or document.link)
    author = names.get(document.author) or escape(document.author)
    platform = escape(document.platform)
    facts = [
        author,
        f"{platform} {document.category.value}",
        f"similarity {candidate.similarity:.2f}",
    ]
    if document.published_at:
        facts.insert(2, escape(document.published_at))
    if n in notes:
        facts.append(notes[n])
    place = f"characters {candidate.start:,} to {candidate.end:,} of {len(document.text):,}"
    return (
        f'<details class="source" id="{prefix}-{n}"><summary>'
        f'<span class="number" aria-hidden="true">{n}</span><span class="title">{title}</span>'
        f'<span class="facts">{" · ".join(facts)}</span></summary>'
        f"{_document(citation)}"
        f'<p class="origin">{_original(document.link)}'
        f'<span class="note" title="chunk {escape(candidate.chunk_id)}">{place}</span></p>'
        "</details>"
    )


def _document(citation: Citation) -> str:
    """Return the document round the passage, in a box that scrolls."""
    candidate, text = citation.passage.candidate, citation.passage.candidate.document.text
    start, end = candidate.start, candidate.end
    is_code = candidate.document.path is not None
    html = code_html if is_code else prose_html
    first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
    read = max(0, first - _READ)
    marks = [
        (start - read + one, start - read + other)
        for one, other in _merged(citation.support, start, end - start)
    ]
    cuts = [first - read, start - read, end - read]
    _, before, passage, after = html(text[read:last], marks, cuts=cuts)
    cut = '<span class="cut" aria-hidden="true">…</span>'
    name = escape(candidate.document.title or "The document")
    return (
        f'<div class="document{" code" if is_code else ""}" role="region" tabindex="0" '
        f'aria-label="{name}, with the passage">'
        f"{cut if first else ''}<span class='around'>{before}</span>"
        f"<blockquote class='passage'>{passage}</blockquote>"
        f"<span class='around'>{after}</span>{cut if last < len(text) else ''}</div>"
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
