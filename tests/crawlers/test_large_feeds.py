"""Feeds and pages that are larger than they should be: each ends in its own outcome."""

from dataclasses import dataclass, field

import pytest
from webserver import WebServer
from written import article, documents, feed_answer, finds, item, rss

from twin_assets.crawlers import article as article_module
from twin_assets.crawlers.article import ArticleCrawler
from twin_assets.crawlers.feeds import MOST_TAGS
from twin_assets.crawlers.found import Found
from twin_assets.documents import Outcome, Visit
from twin_assets.extraction.bounds import MOST_ELEMENTS

BLOG = "https://blog.example"
FEED = f"{BLOG}/feed"
TOO_DENSE = "the page has more than 100,000 elements"


def dated(number: int, body: str = "") -> str:
    day = f"<pubDate>{number + 1:02} May 2026 08:00:00 GMT</pubDate>"
    return item(f"{BLOG}/{number}", f"Day {number}", body, day)


@dataclass
class Reader:
    """Crawls the feed again and again, and remembers as the raw store would."""

    crawler: ArticleCrawler
    blog: WebServer
    visits: dict[str, Visit] = field(default_factory=dict)

    def crawl(self) -> tuple[list[str], str]:
        """Return the pages asked for, and what is said of the feed."""
        before = len(self.blog.targets())
        found = finds(self.crawler, FEED, self.visits)
        for each in found:
            self.visits[each.link] = self._visit(each)
        asked = [path for path in self.blog.targets()[before:] if path[1:].isdigit()]
        return asked, self.visits[FEED].detail

    def _visit(self, found: Found) -> Visit:
        given = tuple(document.link for document in found.documents)
        before = self.visits.get(found.link)
        return Visit(
            author="ada",
            link=found.link,
            source=FEED,
            outcome=found.outcome or Outcome.UNCHANGED,
            detail=found.detail,
            visited_at=f"2026-06-01T00:{len(self.blog.targets()):02}:00",
            documents=given or (before.documents if before else ()),
        )


@pytest.fixture
def reader(client, blog, monkeypatch) -> Reader:
    """A reader of two pages a crawl."""
    monkeypatch.setattr(article_module, "MOST_PAGES", 2)
    for number in range(5):
        blog.add(f"/{number}", article(f"Day {number}", "ropes"))
    return Reader(ArticleCrawler(client), blog)


def test_the_newest_pages_of_a_feed_come_first_and_the_others_at_the_next_crawls(reader, blog):
    blog.add("/feed", feed_answer(rss(*(dated(number) for number in range(5)))))
    assert reader.crawl() == (
        ["/4", "/3"],
        "a feed, items: 5; pages left for the next crawls: 3",
    )
    assert reader.crawl()[0] == ["/2", "/1"]
    assert reader.crawl()[0] == ["/0", "/4"]  # all are read; the oldest visit's turn
    blog.add("/5", article("Day 5", "ropes"))
    blog.add("/feed", feed_answer(rss(*(dated(number) for number in range(6)))))
    assert reader.crawl()[0] == ["/5", "/3"]


def test_items_with_their_text_have_no_bound(reader, blog):
    whole = "<p>" + "The whole text of the tide. " * 100 + "</p>"
    blog.add("/feed", feed_answer(rss(*(dated(number, whole) for number in range(5)))))
    assert reader.crawl() == ([], "a feed, items: 5")
    assert len([visit for visit in reader.visits.values() if visit.documents]) == 5


def test_dropped_items_are_looked_after_in_turn(reader, blog):
    whole = "<p>" + "The whole text of the tide. " * 100 + "</p>"
    blog.add("/feed", feed_answer(rss(*(dated(number, whole) for number in range(5)))))
    reader.crawl()
    blog.add("/feed", feed_answer(rss(dated(9, whole))))
    first, second, third = (reader.crawl()[0] for _ in range(3))
    assert len(first) == len(second) == 2
    assert sorted([*first, *second, third[0]]) == ["/0", "/1", "/2", "/3", "/4"]


def test_a_broken_feed_of_megabytes_is_that_links_failure(client, blog):
    broken = rss(item(f"{BLOG}/a", "A")).replace("</channel></rss>", "<b >x & y" * MOST_TAGS)
    assert len(broken) > 1_500_000
    head = f"<link rel='alternate' type='application/rss+xml' href='{FEED}'>"
    blog.add("/feed", feed_answer(broken))
    blog.add("/", article("Tidewater", "everything", head=head))
    home, feed = finds(ArticleCrawler(client), f"{BLOG}/")
    assert (home.link, home.outcome) == (f"{BLOG}/", Outcome.UNCHANGED)
    assert (feed.link, feed.outcome) == (FEED, Outcome.FAILED)
    assert feed.detail == "the feed has more than 200,000 tags"


def test_a_dense_page_is_its_own_failure_and_no_other_item_s(client, blog):
    blog.add("/feed", feed_answer(rss(item(f"{BLOG}/dense", "Dense"), item(f"{BLOG}/a", "A"))))
    blog.add("/dense", "<!doctype html><title>x</title>" + "<p>x" * (MOST_ELEMENTS + 1))
    blog.add("/a", article("On ropes", "ropes"))
    found = {each.link: each for each in finds(ArticleCrawler(client), FEED)}
    assert found[f"{BLOG}/dense"].outcome is Outcome.FAILED
    assert found[f"{BLOG}/dense"].detail == TOO_DENSE
    assert documents(found.values()).keys() == {f"{BLOG}/a"}
