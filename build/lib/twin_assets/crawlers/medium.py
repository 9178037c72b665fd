"""Medium: a story, and the feed behind an author's or a publication's page."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from twin_assets.crawlers.article import ArticleCrawler
from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.http.client import HttpClient

_STORY = re.compile(r"(?:[^@].*-)?[0-9a-f]{10,12}")  # names of authors begin with "@"


class MediumCrawler:
    """Reads medium.com and its subdomains; publications elsewhere are known by their pages."""

    name = "medium"

    def __init__(self, client: HttpClient) -> None:
        """Fetch with the client."""
        self._articles = ArticleCrawler(client, platform=self.name)

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`."""
        return is_medium(source)

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`: a story's page, or all items of the feed."""
        return self._articles.read(feed_of(task.source) or task.source, task)


def is_medium(link: str) -> bool:
    """Tell whether the link's host is medium.com or under it."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and host.split(".")[-2:] == ["medium", "com"]


def feed_of(link: str) -> str | None:
    """Return the feed behind an author's or a publication's page; None for a story or a feed."""
    parts = urlsplit(link)
    segments = [segment for segment in parts.path.split("/") if segment]
    if segments[:1] == ["feed"] or (segments and _STORY.fullmatch(segments[-1])):
        return None
    host = parts.hostname or ""
    if host in ("medium.com", "www.medium.com"):
        return f"https://medium.com/feed/{segments[0]}" if segments else None
    return f"https://{host}/feed"
