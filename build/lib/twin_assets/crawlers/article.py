"""Any article's page, and any feed: what remains when no platform's crawler takes the link."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from twin_assets.crawlers.feeds import Feed, Item, feed_links, looks_like_feed, read_feed
from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.http.client import FEED, HTML, Fetched, HttpClient
from twin_assets.crawlers.pages import Visited, read_article, unread, visit
from twin_assets.documents import Category, Outcome, RawDocument
from twin_assets.errors import BadInputError
from twin_assets.extraction.tree import parse

# Where blogs begin; an article's page names the feed as well.
_HOME = re.compile(
    r"/?|/(?:blog|articles|essays|journal|news|notes|posts|weblog|writing)/?", re.IGNORECASE
)
# Pages that one crawl asks for because of one feed: of its items, and of those that it dropped.
MOST_PAGES = 500


class ArticleCrawler:
    """Reads a page as one article, a feed as its items, a blog's home page as its feed.

    Args:
        client: what it fetches with.
        platform: whose pages they are, where that is known before they are read.
    """

    name = "article"

    def __init__(self, client: HttpClient, platform: str | None = None) -> None:
        self._client = client
        self._platform = platform

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`: every web link."""
        return source.startswith(("http://", "https://"))

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`."""
        return self.read(task.source, task)

    def read(self, link: str, task: Task) -> Iterator[Found]:
        """Yield what the link gives, which stands for the task's source."""
        visited = visit(self._client, task, link, HTML + FEED)
        if visited.fetched is None:
            yield visited.found
            return
        feed = _feed_in(visited.fetched)
        if feed is not None:
            yield from self._items(feed, visited, task)
            return
        html = visited.fetched.text()
        is_home = _HOME.fullmatch(urlsplit(visited.fetched.link).path) is not None
        feeds = list(feed_links(html, visited.fetched.link)) if is_home else []
        if feeds:
            # not remembered, since a home page that is unchanged would not lead to its feed
            detail = f"a home page; its feed {feeds[0]} is read"
            yield unread(visited, Outcome.UNCHANGED, detail)
            yield from self._feed(feeds[0], task)
        else:
            yield self._article(visited, task)

    def _feed(self, link: str, task: Task) -> Iterator[Found]:
        visited = visit(self._client, task, link, FEED + HTML)
        if visited.fetched is None:
            yield visited.found
            return
        try:
            feed = _feed_in(visited.fetched)
        except BadInputError as error:
            yield unread(visited, Outcome.FAILED, str(error))
            return
        if feed is None:
            yield unread(visited, Outcome.FAILED, "this is no feed")
        else:
            yield from self._items(feed, visited, task)

    def _items(self, feed: Feed, visited: Visited, task: Task) -> Iterator[Found]:
        """Yield the items, then the feed: until all are read it does not count as seen."""
        platform = self._platform or ("medium" if feed.is_medium else "web")
        by_page: list[str] = []
        for item in sorted(feed.items, key=lambda item: item.published_at or "", reverse=True):
            if item.link != task.source and item.link in task.author.sources:
                continue  # it is read as a source of its own
            if item.text:
                yield Found(item.link, (_document(item, task.author.slug, platform),))
            else:
                by_page.append(item.link)
        for link in _in_turn(by_page, task):
            page = visit(self._client, task, link, HTML)
            yield page.found if page.fetched is None else self._article(page, task)
        yield from self._dropped(feed, task)
        detail = f"a feed, items: {len(feed.items)}"
        if len(by_page) > MOST_PAGES:
            detail += f"; pages left for the next crawls: {len(by_page) - MOST_PAGES}"
        if by_page:  # pages change without their feed, so the next crawl has to come to them
            yield unread(visited, Outcome.UNCHANGED, detail)
        else:
            yield replace(visited.found, outcome=Outcome.UNCHANGED, detail=detail)

    def _dropped(self, feed: Feed, task: Task) -> Iterator[Found]:
        """Yield what became of items that are no longer in the feed, which keeps only the latest.

        Only their pages tell whether they are gone. Their documents stay as they were, since a page
        and a feed do not give quite the same text.
        """
        kept = {item.link for item in feed.items} | set(task.author.sources)
        dropped = [
            before.link
            for before in task.visits.values()
            if before.source == task.source and before.documents
            if before.link not in kept and before.outcome is not Outcome.GONE
        ]
        for link in _in_turn(dropped, task):
            page = visit(self._client, task, link, HTML)
            if page.fetched is None:
                yield page.found
            else:  # not read, so not remembered either
                yield unread(page, Outcome.UNCHANGED, "no longer among the feed's items")

    def _article(self, visited: Visited, task: Task) -> Found:
        assert visited.fetched is not None  # noqa: S101  # callers have looked
        html = visited.fetched.text()
        try:
            return read_article(visited, html, task, self._platform or _platform_of(html))
        except BadInputError as error:
            return unread(visited, Outcome.FAILED, str(error))


def _in_turn(links: list[str], task: Task) -> list[str]:
    """Return those to ask for: never visited ones first, then those whose last visit is oldest."""
    visits = task.visits
    last = {link: visits[link].visited_at if link in visits else "" for link in links}
    return sorted(links, key=last.__getitem__)[:MOST_PAGES]


def _feed_in(fetched: Fetched) -> Feed | None:
    text = fetched.text()
    may_be = fetched.content_type in FEED or looks_like_feed(text)
    return read_feed(text, fetched.link) if may_be else None


def _platform_of(html: str) -> str:
    """Return the platform that a page says it is on, wherever its host is."""
    page = parse(html)
    for selector in ('meta[property="al:android:package"]', 'meta[property="og:site_name"]'):
        node = page.css_first(selector)
        value = (node.attributes.get("content") or "").casefold() if node is not None else ""
        if value in ("com.medium.reader", "medium"):
            return "medium"
    return "web"


def _document(item: Item, author: str, platform: str) -> RawDocument:
    return RawDocument(
        author=author,
        platform=platform,
        category=Category.ARTICLE,
        link=item.link,
        title=item.title,
        text=item.text,
        language=item.language,
        published_at=item.published_at,
    )
