"""Which crawler reads a source."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from twin_assets.crawlers.article import ArticleCrawler
from twin_assets.crawlers.exports.linkedin import LinkedInExport
from twin_assets.crawlers.exports.medium import MediumExport
from twin_assets.crawlers.found import Crawler
from twin_assets.crawlers.github.crawler import GitHubCrawler
from twin_assets.crawlers.github.local import LocalRepositoryCrawler
from twin_assets.crawlers.http.client import HttpClient
from twin_assets.crawlers.http.options import HttpOptions
from twin_assets.crawlers.linkedin import LinkedInCrawler
from twin_assets.crawlers.medium import MediumCrawler
from twin_assets.errors import BadInputError
from twin_assets.settings import TwinSettings


@contextmanager
def open_crawlers(settings: TwinSettings) -> Iterator[tuple[Crawler, ...]]:
    """Give the crawlers, in the order in which they are asked; they share one HTTP client."""
    options = HttpOptions(
        delay_seconds=settings.crawl_delay_seconds, allow_private=settings.crawl_private_addresses
    )
    with HttpClient(options) as client:
        yield (
            MediumExport(),
            LinkedInExport(),
            GitHubCrawler(client, token=settings.github_token.get_secret_value() or None),
            LocalRepositoryCrawler(),
            MediumCrawler(client),
            LinkedInCrawler(client),
            ArticleCrawler(client),  # takes every web link, so it comes last
        )


def crawler_for(source: str, crawlers: Sequence[Crawler]) -> Crawler:
    """Return the first crawler that handles the source.

    Raises:
        BadInputError: none does.
    """
    for crawler in crawlers:
        if crawler.handles(source):
            return crawler
    raise BadInputError(
        f"{source} is no source that can be crawled: give a web link, an export archive (zip), "
        "a folder or a tarball."
    )
