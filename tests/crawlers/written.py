"""Pages and feeds in the platforms' structure, and what a crawler finds in them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape

from builders import ADA
from webserver import Answer

from twin_assets.crawlers.found import Crawler, Found, Task
from twin_assets.documents import RawDocument, Visit

_SENTENCES = (
    "The harbour pilot keeps a paper log of {} although every ship sends its position by radio.",
    "On still mornings the ferry engine can be heard before the light on the mast is seen.",
    "Nobody in the workshop agreed on {}, so we measured it three times and wrote down all three.",
    "A rope that has dried in the sun is stiffer than one that was kept in the shade.",
    "When the tide turns, the buoys lean the other way, and that is how a child learns to read it.",
)
RSS = "application/rss+xml; charset=utf-8"


def prose(about: str, paragraphs: int = 6) -> str:
    """Return an article's text as HTML."""
    text = " ".join(_SENTENCES).format(about, about)
    return "".join(f"<p>Part {number} on {about}. {text}</p>" for number in range(paragraphs))


def article(title: str, about: str, *, head: str = "", paragraphs: int = 6) -> str:
    """Return a blog's page with one article."""
    return (
        f"<!doctype html><html lang='en'><head><title>{title} | Tidewater</title>{head}</head>"
        "<body><nav><a href='/'>Home</a> <a href='/about'>About</a></nav>"
        f"<main><article><h1>{title}</h1>{prose(about, paragraphs)}</article></main>"
        "<footer>Written by the sea.</footer></body></html>"
    )


def item(link: str, title: str, body: str = "", more: str = "") -> str:
    """Return an RSS item; a body is the whole text."""
    whole = f"<content:encoded><![CDATA[{body}]]></content:encoded>" if body else ""
    return f"<item><title>{escape(title)}</title><link>{escape(link)}</link>{whole}{more}</item>"


def rss(*items: str, more: str = "<language>en-GB</language>") -> str:
    """Return an RSS feed."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Tidewater</title>'
        f"{more}{''.join(items)}</channel></rss>"
    )


def medium_feed(host: str, stories: Iterable[tuple[str, str, str]]) -> str:
    """Return a feed as Medium writes it, of stories with their slug, title and 12 digits."""
    items = (
        item(
            f"https://{host}/{slug}-{digits}?source=rss-77aa0c------2",
            title,
            f"{prose(title)}<img src='https://{host}/_/stat?event=post.clientViewed' width='1'>",
            f'<guid isPermaLink="false">https://medium.com/p/{digits}</guid>'
            "<category><![CDATA[boats]]></category><dc:creator><![CDATA[Ada]]></dc:creator>"
            "<pubDate>Tue, 05 May 2026 08:30:00 GMT</pubDate>",
        )
        for slug, title, digits in stories
    )
    return rss(*items, more="<generator>Medium</generator>")


def feed_answer(text: str, **headers: str) -> Answer:
    """Return the feed as a server sends it."""
    return Answer(text, type=RSS, headers=headers)


def story(title: str, about: str, link: str) -> str:
    """Return a story's page as Medium makes it, on whatever host."""
    stated = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": title,
        "datePublished": "2026-05-05T08:30:00.000Z",
        "author": {"@type": "Person", "name": "Ada"},
        "url": link,
    }
    return (
        f"<!doctype html><html lang='en'><head><title>{title} | by Ada | Tidewater</title>"
        '<meta property="al:android:package" content="com.medium.reader">'
        f'<meta property="og:title" content="{title}"><link rel="canonical" href="{link}">'
        f'<script type="application/ld+json">{json.dumps(stated)}</script></head><body>'
        "<div><a href='/app'>Open in app</a><a href='/m/signup'>Sign up</a></div>"
        f"<article><section><h1>{title}</h1>{prose(about)}</section></article></body></html>"
    )


def linkedin_post(head: str = "", body: str = "", title: str = "Ada on LinkedIn: boats") -> str:
    """Return a post's public page."""
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    )


def json_ld(data: object) -> str:
    """Return a script element that holds the data."""
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def finds(
    crawler: Crawler, source: str, visits: Mapping[str, Visit] | None = None, *sources: str
) -> list[Found]:
    """Return all that crawling the source finds, its documents read."""
    author = replace(ADA, sources=(source, *sources))
    task = Task(author, source, visits or {}, lambda prefix: {})
    return [replace(found, documents=tuple(found.documents)) for found in crawler.crawl(task)]


def documents(found: Iterable[Found]) -> dict[str, RawDocument]:
    """Return the documents by link."""
    return {document.link: document for each in found for document in each.documents}
