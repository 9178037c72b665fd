"""RSS and Atom: a feed's items, with their whole text where the feed carries it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import feedparser

from twin_assets.errors import BadInputError
from twin_assets.extraction import to_markdown
from twin_assets.extraction.inline import web_link
from twin_assets.extraction.tree import parse, visible_tree
from twin_assets.links import canonical_link

# The parser's time grows with the tags, most of all where they match nothing; a feed of the
# largest size that is fetched seldom has as many, its items' HTML included.
MOST_TAGS = 200_000

# Characters of an item's text from which on it is the article, not a teaser for it.
_WHOLE = 1500
_CLOSED = re.compile(r"</[a-zA-Z]")  # what a text that is no markup hardly has
# Half of a character (U+D800 to U+DFFF), on which feedparser breaks off.
_HALF = re.compile(
    r"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}"
    r"|0*(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));?"
)
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_].*)?")


@dataclass(frozen=True, slots=True)
class Item:
    """A feed's item. ``text`` is its Markdown where the feed carries the whole, else empty."""

    link: str
    title: str
    text: str
    published_at: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says; ``is_medium`` where Medium wrote it, on whatever host."""

    is_medium: bool
    items: tuple[Item, ...]


def read_feed(text: str, link: str) -> Feed | None:
    """Return the feed, or None when the text is none.

    Items without a web link are left out; of two with the same link the first is kept.

    Args:
        text: the feed, however broken.
        link: where it was found, to which relative links are.

    Raises:
        BadInputError: it has more tags than any feed to be read.
    """
    if text.count("<") > MOST_TAGS:
        raise BadInputError(f"the feed has more than {MOST_TAGS:,} tags")
    # Given text or bytes, feedparser would take them for the name of a file or a link to open.
    # Links and markup in items are for to_markdown to make safe.
    parsed = feedparser.parse(
        BytesIO(_HALF.sub("\ufffd", text.lstrip()).encode("utf-8", "replace")),
        response_headers={
            "content-location": link,
            "content-type": "application/xml; charset=utf-8",
        },
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    if not parsed.get("version"):
        return None
    is_medium = _string(parsed.feed, "generator").casefold() == "medium"
    language = _LANGUAGE.fullmatch(_string(parsed.feed, "language").lower())
    items: dict[str, Item] = {}
    for entry in parsed.entries:
        named = _string(entry, "link")
        found = web_link(named, link) if named else None
        if found is not None:
            item_link = _identity(found, is_medium)
            if item_link not in items:
                items[item_link] = _item(entry, item_link, language[1] if language else None)
    return Feed(is_medium, tuple(items.values()))


def looks_like_feed(text: str) -> bool:
    """Tell from how it begins whether the text may be a feed."""
    start = text[:1000].lower()
    return any(mark in start for mark in ("<rss", "<feed", "<rdf:rdf"))


def feed_links(html: str, base: str) -> Iterator[str]:
    """Yield the feeds that the page names, absolute.

    Raises:
        BadInputError: the page has more elements than any page to be read.
    """
    for node in parse(html).css('link[rel~="alternate"]'):
        kind = (node.attributes.get("type") or "").strip().lower()
        if kind in ("application/rss+xml", "application/atom+xml"):
            found = web_link(node.attributes.get("href") or "", base)
            if found is not None:
                yield found


def _identity(link: str, is_medium: bool) -> str:
    """Return the item's one link. Medium's say in their query which feed they are from."""
    return canonical_link(urlsplit(link)._replace(query="").geturl() if is_medium else link)


def _item(entry: Mapping[str, Any], link: str, language: str | None) -> Item:
    bodies = [*entry.get("content", []), entry.get("summary_detail", {})]
    try:
        text = to_markdown(max(map(_html, bodies), key=len), link)
        title = visible_tree(parse(_html(entry.get("title_detail", {})))).text
    except BadInputError:  # too much to be read; the item's page may be better
        text = title = ""
    return Item(
        link=link,
        title=" ".join(title.split()),
        text=text if len(text) >= _WHOLE else "",
        published_at=_published(entry),
        language=language,
    )


def _html(content: Mapping[str, Any]) -> str:
    """Return a title or a text as HTML, which it mostly is."""
    value = _string(content, "value")
    if content.get("type") != "text/plain" or _CLOSED.search(value):
        return value
    return "".join(f"<p>{escape(part)}</p>" for part in re.split(r"\n\s*\n", value))


def _published(entry: Mapping[str, Any]) -> str | None:
    for name in ("published_parsed", "updated_parsed"):
        # feedparser's own get() and [] answer with "published" where "updated" is missing
        moment = dict(entry).get(name)
        if moment is not None:
            try:
                return datetime(*moment[:6]).replace(tzinfo=UTC).isoformat()
            except ValueError:  # a leap second, a year that is none
                continue
    return None


def _string(holder: Mapping[str, Any], name: str) -> str:
    """Return the value as text that can be stored: broken feeds can hold half characters."""
    return str(holder.get(name) or "").encode("utf-8", "replace").decode()
