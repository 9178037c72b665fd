"""LinkedIn: public posts and articles. What needs a login is named, and not tried."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from twin_assets.crawlers.exports.export import iso_time
from twin_assets.crawlers.exports.linkedin import first_words, is_linkedin, linkedin_link
from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.http.client import HTML, HttpClient
from twin_assets.crawlers.pages import Visited, read_article, unread, visit
from twin_assets.documents import Category, Outcome, RawDocument
from twin_assets.extraction.tree import parse

_USE_THE_EXPORT = "ask LinkedIn for a copy of your data and add the zip file"
_NEEDS_A_LOGIN = f"this page needs a login: {_USE_THE_EXPORT}"
_WALL = re.compile(
    r"(?:(?:linkedin:? )?log ?in(?: or sign ?up)?|sign ?up|(?:linkedin login, )?sign ?in"
    r"|join linkedin|security verification)(?: \| linkedin)?",
    re.IGNORECASE,
)
_POSTINGS = {"SocialMediaPosting", "VideoObject", "DiscussionForumPosting"}
_COMMENTARY = '[data-test-id="main-feed-activity-card__commentary"]'
_POST_ID = re.compile(r"/posts/.*-(activity|share|ugcPost)-(\d{19})(?:-[\w-]*)?/?")


class LinkedInCrawler:
    """Reads posts (/posts/, /feed/update/) and articles (/pulse/) as anyone sees them."""

    name = "linkedin"

    def __init__(self, client: HttpClient) -> None:
        """Fetch with the client."""
        self._client = client

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`."""
        try:
            parts = urlsplit(source)
            return parts.scheme in ("http", "https") and is_linkedin(parts.hostname or "")
        except ValueError:
            return False

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`."""
        path = urlsplit(task.source).path
        if not path.startswith(("/posts/", "/feed/update/", "/pulse/")):
            yield Found(task.source, outcome=Outcome.REFUSED, detail=_NEEDS_A_LOGIN)
            return
        visited = visit(self._client, task, task.source, HTML)
        if visited.fetched is None:
            yield _with_advice(visited.found)
            return
        html = visited.fetched.text()
        if _is_login_wall(html):
            yield unread(visited, Outcome.REFUSED, _NEEDS_A_LOGIN)
        elif path.startswith("/pulse/"):
            yield _article(read_article(visited, html, task, self.name), task.source)
        else:
            yield _post(visited, html, task)


def _with_advice(found: Found) -> Found:
    if found.outcome is not Outcome.REFUSED:
        return found
    return replace(found, detail=f"{found.detail}; {_USE_THE_EXPORT}")


def _is_login_wall(html: str) -> bool:
    title = parse(html).css_first("title")
    return title is not None and _WALL.fullmatch(" ".join(title.text().split())) is not None


def _article(found: Found, source: str) -> Found:
    """Return the find with the one link that the data export gives the article as well."""
    return replace(
        found, documents=[replace(each, link=_link(each.link, source)) for each in found.documents]
    )


def _link(canonical: str, source: str) -> str:
    try:
        return linkedin_link(canonical)
    except ValueError:  # the page's own link leads to no article
        return linkedin_link(source)


def _post(visited: Visited, html: str, task: Task) -> Found:
    page = parse(html)
    posting = next(_postings(page), {})
    text, detail = _first_string(posting, "articleBody", "text", "description"), ""
    if not text:
        text = _commentary(page)
    if not text and _is_of_a_post(page):
        text = _meta(page, "og:description")
        detail = "only the post's beginning is public here"
    if not text:
        return unread(visited, Outcome.FAILED, "the page shows no post's text")
    document = RawDocument(
        author=task.author.slug,
        platform="linkedin",
        category=Category.POST,
        link=_post_link(task.source),
        title=first_words(text),
        text=text,
        published_at=iso_time(_first_string(posting, "datePublished", "uploadDate")),
    )
    return replace(visited.found, documents=(document,), detail=detail)


def _is_of_a_post(page: LexborHTMLParser) -> bool:
    """Tell whether the page names a post as its own address: a wall in any language does not."""
    node = page.css_first('link[rel="canonical"]')
    own = (node.attributes.get("href") or "") if node is not None else ""
    paths = [urlsplit(link).path for link in (own, _meta(page, "og:url")) if link.isascii()]
    return any(path.startswith(("/posts/", "/feed/update/")) for path in paths)


def _meta(page: LexborHTMLParser, name: str) -> str:
    node = page.css_first(f'meta[property="{name}"]')
    return (node.attributes.get("content") or "").strip() if node is not None else ""


def _post_link(source: str) -> str:
    """Return the post's one link, which the data export has as well."""
    named = _POST_ID.fullmatch(urlsplit(source).path)
    if named is None:
        return linkedin_link(source)
    return f"https://www.linkedin.com/feed/update/urn:li:{named[1]}:{named[2]}"


def _commentary(page: LexborHTMLParser) -> str:
    node = page.css_first(_COMMENTARY)
    if node is None:
        return ""
    for line_break in node.css("br"):
        line_break.replace_with("\n")
    return node.text().strip()


def _postings(page: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    for node in page.css('script[type="application/ld+json"]'):
        try:
            data = json.loads(node.text(), strict=False)
        except (ValueError, RecursionError):
            continue
        graph = data.get("@graph", data) if isinstance(data, dict) else data
        for item in graph if isinstance(graph, list) else [graph]:
            if isinstance(item, dict):
                kinds = item.get("@type")
                if not _POSTINGS.isdisjoint(
                    map(str, kinds if isinstance(kinds, list) else [kinds])
                ):
                    yield item


def _first_string(posting: dict[str, Any], *names: str) -> str:
    """Return the first of the named values that is a text, or ""."""
    values = (posting.get(name) for name in names)
    texts = (value.strip() for value in values if isinstance(value, str))
    return next(filter(None, texts), "")
