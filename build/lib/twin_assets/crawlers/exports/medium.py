"""The archive that Medium gives an author: ``posts/*.html``, an h-entry each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from twin_assets.crawlers.exports.archives import (
    DEFAULT_LIMITS,
    Fault,
    Limits,
    Member,
    holds,
    names,
    printable,
    read_members,
)
from twin_assets.crawlers.exports.export import Item, LeftOut, Owner, find, iso_time
from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.http.charsets import decode
from twin_assets.documents import Category, RawDocument
from twin_assets.errors import BadInputError
from twin_assets.extraction.markdown import to_markdown
from twin_assets.extraction.tree import parse
from twin_assets.links import canonical_link

_POST = re.compile(r"(?:.*/)?posts/[^/]+\.html", re.IGNORECASE)
_OF_MEDIUM = re.compile(r"(?:.*/)?posts/(?:draft_|\d{4}-\d{2}-\d{2}_)[^/]*\.html", re.IGNORECASE)
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_DISPLAYED = 3  # a kicker, the title and the subtitle may open the text
_LONGEST_RESPONSE = 3_000  # characters


@dataclass(frozen=True, slots=True)
class _Story:
    link: str
    title: str
    subtitle: str | None
    published_at: str | None
    html: str

    def document(self, author: str) -> RawDocument:
        return RawDocument(
            author,
            "medium",
            Category.ARTICLE,
            self.link,
            self.title,
            to_markdown(self.html, self.link),
            subtitle=self.subtitle,
            published_at=self.published_at,
        )


class MediumExport:
    """Reads Medium's export archive, or the folder that it was unpacked to."""

    name = "medium export"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Read archives up to these limits."""
        self._limits = limits

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`; the archive's names are looked at."""
        return holds(source, lambda name: _OF_MEDIUM.fullmatch(name) is not None)

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`; an export is one find."""
        yield find(task, lambda: self._items(Path(task.source)))

    def _items(self, path: Path) -> Iterator[Item]:
        for name in names(path, self._limits):
            if _POST.fullmatch(name) and _is_draft(name):
                yield LeftOut("drafts")
        for member in read_members(path, _is_published, self._limits):
            if isinstance(member, Fault):
                yield member
            else:
                yield from _read(member)


def _is_draft(name: str) -> bool:
    return name.rpartition("/")[2].lower().startswith("draft_")


def _is_published(name: str) -> bool:
    return _POST.fullmatch(name) is not None and not _is_draft(name)


def _read(member: Member) -> Iterator[Item]:
    try:
        page = parse(decode(member.data, "utf-8"))
    except BadInputError as error:
        yield Fault(printable(member.name), str(error))
        return
    body = page.css_first("section[data-field=body], .e-content")
    if body is None:
        yield Fault(printable(member.name), "is no story: it has no section of the body")
        return
    owner = _words(page.css_first("a.p-author"))
    if owner:
        yield Owner(owner)
    title = _words(page.css_first("h1.p-name"))
    subtitle = _words(page.css_first("section[data-field=subtitle]"))
    if _is_response(title, subtitle, body):
        yield LeftOut("responses to others")
        return
    subtitle = _take_display_titles(body, title, subtitle)
    if not _words(body):
        yield LeftOut("without words")
        return
    try:
        link = canonical_link(_attribute(page, "a.p-canonical", "href"))
    except ValueError:
        yield Fault(printable(member.name), "has no canonical link")
        return
    published_at = iso_time(_attribute(page, "time.dt-published", "datetime"))
    yield _Story(link, title, subtitle or None, published_at, body.inner_html or "")


def _is_response(title: str, subtitle: str, body: LexborNode) -> bool:
    """Return whether this is a response to somebody else's story.

    The archive does not say so. But a response is written into a box without a title: it is short,
    has neither heading nor picture, and what Medium shows as its title and subtitle is the
    beginning of its own words.
    """
    text = _words(body)
    return (
        len(text) <= _LONGEST_RESPONSE
        and body.css_first(f"{_HEADINGS}, figure, img") is None
        and text.startswith(_uncut(title))
        and _uncut(subtitle) in text
    )


def _uncut(line: str) -> str:
    """Return the line without the mark of where it was cut off."""
    return line.rstrip("….").rstrip()


def _take_display_titles(body: LexborNode, title: str, subtitle: str) -> str:
    """Remove what opens the body and only repeats title and subtitle; return the subtitle, whole.

    An opening paragraph that Medium took for the subtitle stays: it is part of the text.
    """
    divider = body.css_first(".section-divider")
    if divider is not None:  # every section begins with one, the first too
        divider.decompose()
    for heading in body.css(_HEADINGS)[:_DISPLAYED]:
        words = _words(heading)
        if "graf--subtitle" in (heading.attributes.get("class") or "").split():
            subtitle = words
        if words.casefold() in (title.casefold(), subtitle.casefold()):
            heading.decompose()
    return subtitle


def _attribute(page: LexborHTMLParser, selector: str, name: str) -> str:
    node = page.css_first(selector)
    return (node.attributes.get(name) or "") if node is not None else ""


def _words(node: LexborNode | None) -> str:
    return " ".join(node.text().split()) if node is not None else ""
