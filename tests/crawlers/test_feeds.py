"""Feeds read from text: RSS and Atom as they are, and as they should not be."""

import socket
from html import escape
from pathlib import Path

import pytest
from written import item, prose, rss

from twin_assets.crawlers.feeds import (
    MOST_TAGS,
    Feed,
    Item,
    feed_links,
    looks_like_feed,
    read_feed,
)
from twin_assets.errors import BadInputError
from twin_assets.extraction.bounds import MOST_ELEMENTS

LINK = "https://blog.example/feed"
A = "https://blog.example/a"


def read(text: str) -> Feed:
    feed = read_feed(text, LINK)
    assert feed is not None
    return feed


def only(text: str) -> Item:
    (found,) = read(text).items
    return found


def test_an_rss_item_with_its_whole_text():
    date = "<pubDate>Tue, 05 May 2026 08:30:00 +0200</pubDate>"
    code = '<pre><code class="language-python">if a &lt; b:\n    go(a)</code></pre>'
    found = only(
        rss(item(f"{A}?utm_source=rss#top", "On Knots & Ropes", prose("knots") + code, date))
    )
    assert (found.link, found.title, found.language) == (A, "On Knots & Ropes", "en")
    assert found.published_at == "2026-05-05T06:30:00+00:00"
    assert found.text.startswith("Part 0 on knots.")
    assert "```python\nif a < b:\n    go(a)\n```" in found.text


def test_an_atom_entry():
    found = only(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://blog.example/x/">'
        '<entry><title type="html">Tide &amp;amp; &lt;b&gt;time&lt;/b&gt;</title>'
        '<link rel="replies" href="https://blog.example/a/replies"/><link href="../a"/>'
        "<updated>2026-05-06T00:00:00Z</updated><published>2026-05-05T00:00:00Z</published>"
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{prose("tides")}</div>'
        "</content></entry></feed>"
    )
    assert (found.link, found.title, found.language) == (A, "Tide & time", "de")
    assert found.published_at == "2026-05-05T00:00:00+00:00"
    assert "Part 5 on tides." in found.text


def test_a_plain_text_is_not_taken_for_html():
    whole = "Where a < b, take <b>.\n\n" + "The rope runs out. " * 100
    found = only(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="text">The &lt;b> tag</title>'
        f'<link href="{A}"/><content type="text"><![CDATA[{whole}]]></content></entry></feed>'
    )
    assert found.title == "The <b> tag"
    assert found.text.startswith("Where a < b, take &lt;b>.\n\nThe rope")


def test_rss_1():
    found = only(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<item><title>Old</title><link>{A}</link><dc:date>2026-05-05</dc:date></item></rdf:RDF>"
    )
    assert (found.link, found.title) == (A, "Old")
    assert found.published_at == "2026-05-05T00:00:00+00:00"


def test_a_teaser_is_not_the_text():
    assert only(rss(item(A, "Teased", "<p>The first lines.</p>"))).text == ""


def test_the_longest_text_of_an_item_counts():
    teaser = "<description>&lt;p>The first lines.&lt;/p></description>"
    assert "Part 5" in only(rss(item(A, "Both", prose("masts"), teaser))).text


def test_links_in_a_text_are_absolute_and_lead_to_the_web():
    links = '<p><a href="/b">more</a> <a href="javascript:alert(1)">press</a></p>'
    text = only(rss(item(A, "Links", links + prose("links")))).text
    assert text.startswith("[more](https://blog.example/b) press")


def test_the_permanent_guid_is_the_link_where_there_is_no_other():
    assert only(rss(f"<item><guid>{A}</guid><title>x</title></item>")).link == A


def test_the_first_of_two_items_with_a_link_is_kept():
    found = only(rss(item(A, "First"), item(f"{A}?utm_medium=feed", "Second")))
    assert found.title == "First"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[bad", ""]
)
def test_an_item_that_leads_to_no_web_page_is_left_out(link):
    assert [found.link for found in read(rss(item(link, "Bad"), item(A, "Good"))).items] == [A]


@pytest.mark.parametrize(
    ("date", "iso"),
    [
        ("2026-05-05T10:00:00+02:00", "2026-05-05T08:00:00+00:00"),
        ("05 May 2026", "2026-05-05T00:00:00+00:00"),
        ("Tue, 30 Jun 2026 23:59:60 GMT", None),
        ("the day before yesterday", None),
        ("", None),
    ],
)
def test_dates(date, iso):
    found = only(rss(item(A, "Dated", more=f"<pubDate>{date}</pubDate>")))
    assert found.published_at in (iso, "2026-07-01T00:00:00+00:00" if "60 GMT" in date else iso)


@pytest.mark.parametrize(
    ("language", "expected"),
    [("pt-BR", "pt"), ("fil", "fil"), ("English", None), ("", None), ("x", None)],
)
def test_languages(language, expected):
    feed = rss(item(A, "x"), more=f"<language>{language}</language>")
    assert only(feed).language == expected


def test_markup_in_a_title_is_not_kept():
    title = "<b>Knots</b> <script>alert(1)</script><img src=x onerror=alert(1)> & more"
    assert only(rss(item(A, title))).title == "Knots & more"


@pytest.mark.parametrize("title", ["vector<T> in C++", "snake_case *args", "1 < 2"])
def test_a_title_that_only_looks_like_markup_is_kept(title):
    assert only(rss(item(A, title))).title == title


def test_medium_says_so_and_its_links_lose_the_feed_they_are_from():
    feed = read(
        rss(item(f"{A}-0123456789ab?source=rss-1---2", "x"), more="<generator>Medium</generator>")
    )
    assert feed.is_medium
    assert feed.items[0].link == f"{A}-0123456789ab"
    assert only(rss(item(f"{A}?source=rss", "x"))).link == f"{A}?source=rss"


def test_broken_xml_is_read_as_far_as_it_goes():
    feed = rss(item(A, "Whole")).replace("</channel></rss>", "<item><title>Fish & chips<br></item>")
    assert [found.title for found in read(feed).items] == ["Whole"]


@pytest.mark.parametrize("piece", ["<b>", "<a ", "<item>", "<", "<![CDATA[", "</item>"])
def test_a_broken_feed_of_more_tags_than_any_has_is_refused(piece):
    feed = rss(item(A, "Whole")).replace("</channel></rss>", piece * (MOST_TAGS + 1))
    with pytest.raises(BadInputError, match=r"^the feed has more than 200,000 tags$"):
        read_feed(feed, LINK)


def test_a_text_with_more_elements_than_any_page_is_left_to_the_item_s_page():
    dense = "<i>x</i>" * (MOST_ELEMENTS + 1)
    feed = rss(
        item(A, "Dense").replace("</item>", f"<description>{escape(dense)}</description></item>")
    )
    found = only(feed)
    assert (found.link, found.text) == (A, "")


def test_half_characters_do_not_stand_in_what_is_stored():
    feed = rss(item(A, "x", prose("x"))).replace("Part 0", "&broken; &#xD800; Part 0")
    feed = feed.replace("<![CDATA[", "").replace("]]>", "").replace("<title>x", "<title>a&#xDFFF;b")
    found = only(feed.replace("</rss>", ""))
    (found.title + found.text).encode()


@pytest.mark.parametrize("text", ["", "words", "<html><body>words</body></html>", "{}", "<rss"])
def test_what_is_no_feed(text):
    assert read_feed(text, LINK) is None


def test_space_before_the_declaration_does_no_harm():
    assert only("\n\n " + rss(item(A, "Late"))).title == "Late"


def test_entities_are_no_bomb():
    steps = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE rss [<!ENTITY e0 "boom">{steps}]>'
    feed = bomb + f"<rss version='2.0'><channel><item><link>{A}</link><title>&e11;</title></item>"
    assert len(only(feed + "</channel></rss>").title) < 1000


def test_external_entities_are_not_opened(tmp_path: Path, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text("hidden words")
    monkeypatch.setattr(socket, "socket", None)
    dtd = f'<!DOCTYPE rss SYSTEM "http://10.0.0.1/x.dtd" [<!ENTITY f SYSTEM "{secret.as_uri()}">]>'
    feed = dtd + f"<rss version='2.0'><channel><item><link>{A}</link><title>&f;</title></item>"
    assert "hidden" not in only(feed + "</channel></rss>").title


def test_a_text_that_names_a_file_or_a_link_is_not_opened(tmp_path: Path, monkeypatch):
    feed = tmp_path / "feed.xml"
    feed.write_text(rss(item(A, "x")))
    monkeypatch.setattr(socket, "socket", None)
    for text in (str(feed), feed.as_uri(), "http://127.0.0.1/feed"):
        assert read_feed(text, LINK) is None


def test_ten_megabytes():
    long = "<p>" + "A long line of rope. " * 500_000 + "</p>"
    assert len(only(rss(item(A, "Long", long))).text) > 10_000_000


def test_deep_nesting():
    found = only(rss(item(A, "Deep", "<div>" * 20_000 + prose("depths"))))
    assert "Part 0 on depths." in found.text


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        ("<?xml version='1.0'?><!-- hello --><RSS version='2.0'>", True),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", True),
        ("<!doctype html><html><head>", False),
    ],
)
def test_what_may_be_a_feed(text, may_be):
    assert looks_like_feed(text) is may_be


def test_the_feeds_that_a_page_names():
    html = (
        '<link rel="alternate" type="application/rss+xml" href="/feed">'
        '<link rel="alternate home" type=" Application/Atom+XML " href="https://b.example/atom">'
        '<link rel="alternate" type="application/rss+xml" href="javascript:1">'
        '<link rel="alternate" hreflang="de" href="/de"><link rel="stylesheet" href="/x.css">'
    )
    assert list(feed_links(html, A)) == ["https://blog.example/feed", "https://b.example/atom"]
