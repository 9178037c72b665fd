"""Pages, feeds, Medium and LinkedIn, crawled from real servers that stand for the platforms."""

from contextlib import closing
from urllib.parse import urlsplit

import pytest
from builders import ADA
from linkedin_files import PULSE
from linkedin_files import article as linkedin_article
from webserver import Answer
from written import (
    article,
    documents,
    feed_answer,
    finds,
    item,
    json_ld,
    linkedin_post,
    medium_feed,
    rss,
    story,
)
from zip_builder import zip_of

from twin_assets.crawlers.article import ArticleCrawler
from twin_assets.crawlers.crawl import crawl_author
from twin_assets.crawlers.exports.linkedin import LinkedInExport
from twin_assets.crawlers.linkedin import LinkedInCrawler
from twin_assets.crawlers.medium import MediumCrawler, feed_of, is_medium
from twin_assets.documents import Author, Category, Outcome
from twin_assets.raw_store.sqlite import SqliteRawStore

BLOG = "https://blog.example"
POST = "https://www.linkedin.com/posts/ada_boats-activity-7123456789012345678-AbCd"
POST_LINK = "https://www.linkedin.com/feed/update/urn:li:activity:7123456789012345678"
WORDS = "A rope that has dried in the sun is stiffer than one kept in the shade.\n\nTry it."


@pytest.fixture
def linkedin(site):
    return site("www.linkedin.com")


@pytest.fixture
def medium(site):
    return site("medium.com")


def only(found):
    (one,) = documents(found).values()
    return one


def test_a_page_is_an_article(client, blog):
    blog.add("/a", article("On ropes", "ropes"))
    (found,) = finds(ArticleCrawler(client), f"{BLOG}/a")
    document = only([found])
    assert (document.link, document.category) == (f"{BLOG}/a", Category.ARTICLE)
    assert (document.title, document.platform, document.language) == ("On ropes", "web", "en")
    assert "Part 5 on ropes." in document.text
    assert "About" not in document.text


def test_two_links_to_one_canonical_article_are_one_document(client, blog, tmp_path):
    head = f"<link rel='canonical' href='{BLOG}/a'>"
    for path in ("/a", "/a/amp"):
        blog.add(path, article("On ropes", "ropes", head=head))
    author = Author("ada", "Ada", sources=(f"{BLOG}/a", f"{BLOG}/a/amp"))
    with closing(SqliteRawStore(tmp_path / "raw.db")) as store:
        store.put_author(author)
        visits = crawl_author(author, store, [ArticleCrawler(client)])
        assert {visit.outcome for visit in visits} == {Outcome.NEW, Outcome.UNCHANGED}
        assert [document.link for document in store.documents("ada")] == [f"{BLOG}/a"]


@pytest.mark.parametrize("home", ["/", "/blog", "/Posts/"])
def test_a_home_page_leads_to_its_feed_and_the_feed_to_pages(client, blog, home):
    feed = f"<link rel='alternate' type='application/rss+xml' href='{BLOG}/feed'>"
    blog.add(home, article("Tidewater", "everything", head=feed))
    whole = "<p>" + "The whole text of the tide. " * 100 + "</p>"
    blog.add("/feed", feed_answer(rss(item(f"{BLOG}/a", "Teased"), item(f"{BLOG}/b", "B", whole))))
    blog.add("/a", article("On ropes", "ropes"))
    found = finds(ArticleCrawler(client), f"{BLOG}{home}")
    assert documents(found).keys() == {f"{BLOG}/a", f"{BLOG}/b"}
    assert "/b" not in blog.targets()  # its text was in the feed
    assert {each.link for each in found} >= {f"{BLOG}{home}", f"{BLOG}/feed"}


def test_an_unchanged_site_costs_one_request_a_page_and_no_write(client, blog, tmp_path):
    blog.add("/a", Answer(article("On ropes", "ropes"), headers={"ETag": '"1"'}))
    author = Author("ada", "Ada", sources=(f"{BLOG}/a",))
    with closing(SqliteRawStore(tmp_path / "raw.db")) as store:
        store.put_author(author)
        crawl_author(author, store, [ArticleCrawler(client)])
        revision, asked = store.revision("ada"), len(blog.targets())
        (visit,) = crawl_author(author, store, [ArticleCrawler(client)])
        assert visit.outcome is Outcome.UNCHANGED
        assert store.revision("ada") == revision
        assert len(blog.targets()) == asked + 1
        assert blog.requests[-1].headers["if-none-match"] == '"1"'


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer("", 404), Outcome.GONE),
        (Answer("", 410), Outcome.GONE),
        (Answer("", 401), Outcome.REFUSED),
        (Answer("", 500), Outcome.FAILED),
        (Answer(b"%PDF-1.7", type="application/pdf"), Outcome.FAILED),
        (Answer(""), Outcome.FAILED),
        (Answer("<html><body><script>x()</script></body></html>"), Outcome.FAILED),
    ],
)
def test_every_fault_is_that_links_outcome_and_the_others_succeed(client, blog, answer, outcome):
    blog.add("/feed", feed_answer(rss(item(f"{BLOG}/bad", "Bad"), item(f"{BLOG}/a", "A"))))
    blog.add("/bad", answer)
    blog.add("/a", article("On ropes", "ropes"))
    found = {each.link: each for each in finds(ArticleCrawler(client), f"{BLOG}/feed")}
    assert found[f"{BLOG}/bad"].outcome is outcome
    assert documents(found.values()).keys() == {f"{BLOG}/a"}


def test_a_story_on_a_publications_own_domain_is_known_by_its_page(client, blog):
    link = f"{BLOG}/on-ropes-0123456789ab"
    blog.add("/on-ropes-0123456789ab", story("On ropes", "ropes", link))
    document = only(finds(ArticleCrawler(client), link))
    assert (document.platform, document.title) == ("medium", "On ropes")
    assert (document.published_at or "").startswith("2026-05-05")


@pytest.mark.parametrize(
    ("source", "feed"),
    [
        ("https://medium.com/@ada", "https://medium.com/feed/@ada"),
        ("https://medium.com/tidewater", "https://medium.com/feed/tidewater"),
        ("https://ada.medium.com", "https://ada.medium.com/feed"),
        ("https://medium.com/feed/@ada", None),
        ("https://medium.com/tidewater/on-ropes-0123456789ab", None),
    ],
)
def test_the_feed_behind_a_medium_page(source, feed):
    assert feed_of(source) == feed


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://medium.com/@ada", True),
        ("https://ada.medium.com/x", True),
        ("https://medium.com.evil.example/x", False),
        ("https://notmedium.com/x", False),
        ("https://evil.example/?https://medium.com/", False),
        ("ftp://medium.com/x", False),
        ("http://[bad", False),
    ],
)
def test_what_is_medium(link, expected):
    assert is_medium(link) is expected


def test_all_items_of_a_medium_author_are_articles_and_stay_when_they_drop_off(
    client, medium, tmp_path
):
    stories = [(f"story-{n}", f"Story {n}", f"{n:012x}") for n in range(3)]
    medium.add("/feed/@ada", feed_answer(medium_feed("medium.com", stories)))
    author = Author("ada", "Ada", sources=("https://medium.com/@ada",))
    with closing(SqliteRawStore(tmp_path / "raw.db")) as store:
        store.put_author(author)
        crawl_author(author, store, [MediumCrawler(client)])
        found = list(store.documents("ada"))
        assert {document.platform for document in found} == {"medium"}
        assert found[0].link == "https://medium.com/story-0-000000000000"  # without its tracking
        revision = store.revision("ada")
        crawl_author(author, store, [MediumCrawler(client)])
        assert store.revision("ada") == revision

        medium.add("/feed/@ada", feed_answer(medium_feed("medium.com", stories[1:])))
        medium.add("/story-0-000000000000", story("Story 0", "it", found[0].link))
        crawl_author(author, store, [MediumCrawler(client)])
        assert len(list(store.documents("ada"))) == 3


@pytest.mark.parametrize("kind", ["SocialMediaPosting", "DiscussionForumPosting", "VideoObject"])
def test_a_linkedin_post_by_what_it_states(client, linkedin, kind):
    stated = {"@type": kind, "articleBody": WORDS, "datePublished": "2026-05-05T08:30:00.000Z"}
    page = linkedin_post(json_ld({"@context": "https://schema.org", **stated}))
    linkedin.add(f"{POST}?trk=public", page)
    document = only(finds(LinkedInCrawler(client), f"{POST}?trk=public"))
    assert (document.link, document.platform) == (POST_LINK, "linkedin")
    assert (document.category, document.text) == (Category.POST, WORDS)
    assert (document.published_at or "").startswith("2026-05-05T08:30:00")


def test_a_linkedin_post_by_its_commentary_and_by_its_beginning(client, linkedin):
    commentary = '<p data-test-id="main-feed-activity-card__commentary">One.<br>Two ropes.</p>'
    linkedin.add(POST, linkedin_post(body=commentary))
    assert only(finds(LinkedInCrawler(client), POST)).text == "One.\nTwo ropes."
    head = (
        f'<meta property="og:description" content="One rope …"><link rel="canonical" href="{POST}">'
    )
    linkedin.add(POST, linkedin_post(head))
    (found,) = finds(LinkedInCrawler(client), POST)
    assert only([found]).text == "One rope …"
    assert "beginning" in found.detail


@pytest.mark.parametrize("title", ["LinkedIn: Anmelden oder registrieren", "Security | LinkedIn"])
def test_a_wall_in_any_language_is_no_post(client, linkedin, title):
    head = '<meta property="og:description" content="1 billion members | Manage your identity">'
    linkedin.add(POST, linkedin_post(head, title=title))
    (found,) = finds(LinkedInCrawler(client), POST)
    assert found.outcome is Outcome.FAILED
    assert not documents([found])


@pytest.mark.parametrize(
    "source",
    ["https://www.linkedin.com/in/ada", "https://linkedin.com/company/boats", POST],
)
def test_what_needs_a_login_points_at_the_export(client, linkedin, source):
    linkedin.add(POST, linkedin_post(title="Sign Up | LinkedIn"))
    (found,) = finds(LinkedInCrawler(client), source)
    assert found.outcome is Outcome.REFUSED
    assert "add the zip file" in found.detail
    assert not documents([found])


def test_linkedins_own_status_for_robots_is_a_login_wall(client, linkedin):
    linkedin.add(POST, Answer("", 999))
    (found,) = finds(LinkedInCrawler(client), POST)
    assert found.outcome is Outcome.REFUSED
    assert "add the zip file" in found.detail


def test_a_linkedin_article(client, linkedin):
    link = "https://www.linkedin.com/pulse/on-ropes-ada"
    linkedin.add(link, article("On ropes", "ropes"))
    document = only(finds(LinkedInCrawler(client), link))
    assert (document.category, document.platform) == (Category.ARTICLE, "linkedin")
    assert ADA.slug == document.author


@pytest.mark.parametrize("canonical", ["", f"{PULSE.replace('www', 'de')}/?trk=public", "/?x=1"])
@pytest.mark.parametrize("host", ["www", "de"])
def test_a_linkedin_article_and_the_export_s_are_one_document(
    client, site, tmp_path, host, canonical
):
    server = site(f"{host}.linkedin.com")
    source = f"{PULSE.replace('www', host)}/?trk=article-card"
    head = f"<link rel='canonical' href='{canonical}'>" if canonical else ""
    server.add(
        urlsplit(source).path + "?trk=article-card", article("On kettles", "ropes", head=head)
    )
    archive = zip_of(tmp_path / "linkedin.zip", {"Articles/On kettles.html": linkedin_article()})
    author = Author("ada", "Ada", sources=(source, str(archive)))
    with closing(SqliteRawStore(tmp_path / "raw.db")) as store:
        store.put_author(author)
        visits = crawl_author(author, store, [LinkedInExport(), LinkedInCrawler(client)])
        assert {visit.documents for visit in visits} == {(PULSE,)}
        (document,) = store.documents("ada")
        assert "Part 0 on ropes." in document.text  # the first source's
