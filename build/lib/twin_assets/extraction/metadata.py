"""What a page says about itself: in JSON-LD, meta tags, and its own elements."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from twin_assets.extraction.titles import choose_title
from twin_assets.links import canonical_link

_ARTICLE_TYPE = re.compile(r"(?:Article|Posting|BlogPost|Report|VideoObject)$")
_SUBTITLE = (
    "[itemprop=alternativeHeadline]",
    ".subtitle, .sub-title, .subheading, .standfirst, .dek, .strapline, .p-summary",
)
_BYLINE = (
    "[itemprop=author] [itemprop=name]",
    "[itemprop=author]",
    "[rel=author]",
    ".p-author, .byline, .author-name",
)
_TIME = ("[itemprop=datePublished]", "time.dt-published", "article time", "main time", "time")
_DATE_NAMES = (
    *("article:published_time", "datepublished", "date", "dc.date", "dcterms.date", "dc:date"),
    *("dcterms.created", "citation_publication_date", "parsely-pub-date", "pubdate"),
)
_AUTHOR_NAMES = ("author", "article:author", "parsely-author", "dc.creator", "dc:creator")
_LONGEST_NAME = 100
_LONGEST_SUBTITLE = 300
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_].*)?")
_SAME_SITE_PREFIX = re.compile(r"^(?:www|m|mobile|amp)\.")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the page says about itself."""

    link: str
    title: str
    subtitle: str | None
    byline: str | None
    published_at: str | None
    language: str | None
    site: str | None
    body: str  # the article's text as the metadata give it, or ""


def read_metadata(page: LexborHTMLParser, link: str) -> Metadata:
    """Return what the page at the link says about itself.

    Raises:
        ValueError: the link is not an http or https link.
    """
    meta = _meta_tags(page)
    stated = _stated_article(page)
    site = meta.get("og:site_name")
    return Metadata(
        link=_canonical(page, meta, link),
        title=choose_title(
            declared=[
                *(meta.get(name) for name in ("dc:title", "dc.title", "dcterms.title")),
                meta.get("og:title"),
                _string(stated.get("headline")),
                *(meta.get(name) for name in ("twitter:title", "parsely-title", "title")),
            ],
            page_title=_first_text(page, ("title",)),
            headings=[_one_line(node.text(deep=True)) for node in page.css("h1")[:5]],
            site=site,
        ),
        subtitle=_subtitle(page, stated),
        byline=_byline(page, meta, stated),
        published_at=_published(page, meta, stated),
        language=_language(page, meta, stated),
        site=site,
        body=_string(stated.get("articleBody")) or "",
    )


def _meta_tags(page: LexborHTMLParser) -> dict[str, str]:
    """Return the first content of each name that a meta tag gives it to."""
    found: dict[str, str] = {}
    for node in page.css("meta"):
        attributes = node.attributes
        content = _one_line(attributes.get("content") or "")
        names = f"{attributes.get('property') or ''} {attributes.get('name') or ''}"
        names += f" {attributes.get('itemprop') or ''} {attributes.get('http-equiv') or ''}"
        for name in names.lower().split() if content else []:
            found.setdefault(name, content)
    return found


def _stated_article(page: LexborHTMLParser) -> dict[str, Any]:
    """Return the first article that the page's JSON-LD describes, or an empty dictionary."""
    for node in page.css("script[type='application/ld+json']"):
        try:
            data = json.loads(node.text(deep=True), strict=False)
        except (ValueError, RecursionError):
            continue
        for item in _items(data):
            kinds = item.get("@type")
            for kind in kinds if isinstance(kinds, list) else [kinds]:
                if isinstance(kind, str) and _ARTICLE_TYPE.search(kind):
                    return item
    return {}


def _items(data: Any) -> Iterator[dict[str, Any]]:
    for item in data if isinstance(data, list) else [data]:
        if isinstance(item, dict):
            yield item
            for name in ("@graph", "mainEntity", "mainEntityOfPage"):
                inner = item.get(name)
                if isinstance(inner, list):
                    yield from (each for each in inner if isinstance(each, dict))
                elif isinstance(inner, dict):
                    yield inner


def _canonical(page: LexborHTMLParser, meta: dict[str, str], link: str) -> str:
    """Return the link that the page gives as its own if it is on the same site."""
    given = canonical_link(link)
    nodes = page.css("link[rel~=canonical]")
    named = [node.attributes.get("href") or "" for node in nodes] + [meta.get("og:url", "")]
    for href in filter(None, named):
        try:
            found = canonical_link(urljoin(given, href))
        except ValueError:
            continue
        # A front page named by each page of a site is a mistake that would merge them all.
        is_front = not urlsplit(found).path.strip("/") and not urlsplit(found).query
        if _site(found) == _site(given) and (not is_front or not urlsplit(given).path.strip("/")):
            return found
    return given


def _site(link: str) -> str:
    return _SAME_SITE_PREFIX.sub("", urlsplit(link).netloc)


def _subtitle(page: LexborHTMLParser, stated: dict[str, Any]) -> str | None:
    found = _string(stated.get("alternativeHeadline")) or _first_text(page, _SUBTITLE)
    return found if found and len(found) <= _LONGEST_SUBTITLE else None


def _byline(page: LexborHTMLParser, meta: dict[str, str], stated: dict[str, Any]) -> str | None:
    authors = stated.get("author")
    names = [_name(each) for each in (authors if isinstance(authors, list) else [authors])]
    candidates = [", ".join(dict.fromkeys(filter(None, names)))]
    candidates += [meta.get(name, "") for name in _AUTHOR_NAMES]
    candidates.append(_first_text(page, _BYLINE) or "")
    for candidate in candidates:
        name = re.sub(r"^by:?\s+", "", candidate, flags=re.IGNORECASE)
        if name and len(name) <= _LONGEST_NAME and "://" not in name:
            return name
    return None


def _name(author: Any) -> str:
    return _string(author.get("name") if isinstance(author, dict) else author) or ""


def _published(page: LexborHTMLParser, meta: dict[str, str], stated: dict[str, Any]) -> str | None:
    candidates = [_string(stated.get(name)) for name in ("datePublished", "uploadDate")]
    candidates += [meta.get(name) for name in _DATE_NAMES]
    for selector in _TIME:
        for node in page.css(selector)[:1]:
            attributes = node.attributes
            candidates.append(attributes.get("datetime") or attributes.get("content"))
    return next((moment for each in candidates if each and (moment := _iso(each))), None)


def _iso(text: str) -> str | None:
    """Return the date, with its time where it has one, in ISO 8601; None if it is no date."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, IndexError, OverflowError):
            return None
    return moment.date().isoformat() if len(text) <= len("2026-01-31") else moment.isoformat()


def _language(page: LexborHTMLParser, meta: dict[str, str], stated: dict[str, Any]) -> str | None:
    root = page.css_first("html")
    declared = [
        root.attributes.get("lang") if root else None,
        root.attributes.get("xml:lang") if root else None,
        _string(stated.get("inLanguage")),
        meta.get("content-language"),
        meta.get("og:locale"),
    ]
    for each in filter(None, declared):
        if found := _LANGUAGE.fullmatch(each.strip()):
            return found[1].lower()
    return None


def _first_text(page: LexborHTMLParser, selectors: tuple[str, ...]) -> str | None:
    for selector in selectors:
        for node in page.css(selector)[:3]:
            if text := _one_line(node.text(deep=True, separator=" ")):
                return text
    return None


def _string(value: Any) -> str | None:
    return (_one_line(value) or None) if isinstance(value, str) else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
