"""Whole pages: the article found, the rest left, and what the page says about itself."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin_assets.extraction import Page, extract_page

LINK = "https://www.garden.example/soil?utm_source=feed"

PROSE = [
    "Clay holds water for weeks, which is a gift in July and a burden in a wet November.",
    "We dug three trial beds, one a month, and weighed what each of them gave us in return.",
    "The second bed, mulched with leaves since autumn, gave nearly twice what the first one did.",
    "None of this surprised the neighbours, who have mulched since before we learned the word.",
]
ARTICLE = "".join(f"<p>{text}</p>" for text in PROSE)
MENU = "".join(f"<li><a href='/{name}'>{name}</a></li>" for name in ("beds", "tools", "about us"))

PAGE = f"""<!doctype html><html lang="en-GB"><head><title>Clay in winter | The Bed</title>
<meta property="og:title" content="Clay in winter"><meta property="og:site_name" content="The Bed">
<link rel="canonical" href="/soil?trk=1"></head><body>
<header><nav><ul>{MENU}</ul></nav></header>
<div class="cookie-banner"><p>We use cookies to make this site better for you. Accept all?</p></div>
<div id="content"><h1>Clay in winter</h1>{ARTICLE}
<pre><code>bed = "clay"</code></pre>
<div class="share-tools"><a href="https://s.example/t">Share this</a> <a href="/x">Pin it</a></div>
</div>
<aside><h3>Related stories</h3><ul>{MENU}</ul></aside>
<section id="comments"><h3>2 comments</h3><p>Lovely, but never dig in March.</p></section>
<footer><p>© The Bed. All rights reserved. <a href="/terms">Terms</a></p></footer>
</body></html>"""


def extract(html: str) -> Page:
    page = extract_page(html, LINK)
    assert page is not None
    return page


def test_the_article_is_all_that_is_kept() -> None:
    assert extract(PAGE).text == "\n\n".join([*PROSE, '```\nbed = "clay"\n```'])


def test_what_the_page_says_about_itself() -> None:
    assert replace(extract(PAGE), text="") == Page(
        link="https://www.garden.example/soil",
        title="Clay in winter",
        text="",
        subtitle=None,
        byline=None,
        published_at=None,
        language="en",
        site="The Bed",
    )


def test_json_ld_is_read() -> None:
    stated = {
        "@graph": [
            {"@type": "Organization", "name": "The Bed"},
            {
                "@type": ["BlogPosting"],
                "headline": "Clay in winter",
                "alternativeHeadline": "A year of three beds",
                "author": [{"name": "Ada Moss"}, {"name": "Finn Reed"}],
                "datePublished": "2026-01-31T08:00:00Z",
                "inLanguage": "de-DE",
            },
        ]
    }
    html = (
        "<script type='application/ld+json'>{broken</script>"
        f"<script type='application/ld+json'>{json.dumps(stated)}</script>"
        f"<h1>Clay in winter</h1>{ARTICLE}"
    )
    page = extract(html)
    assert (page.title, page.subtitle) == ("Clay in winter", "A year of three beds")
    assert (page.byline, page.language) == ("Ada Moss, Finn Reed", "de")
    assert page.published_at == "2026-01-31T08:00:00+00:00"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("<meta property='article:published_time' content='2026-01-31'>", "2026-01-31"),
        ("<meta name=date content='20 May 2026 10:00:00 +0200'>", "2026-05-20T10:00:00+02:00"),
        ("<time datetime='2026-01-31T10:00'>", "2026-01-31T10:00:00"),
        ("<meta name=date content='last week'>", None),
        ("<meta name=date content='2026-13-77'><time datetime=2026-01-31>", "2026-01-31"),
    ],
)
def test_dates(head: str, expected: str | None) -> None:
    assert extract(f"{head}<body>{ARTICLE}").published_at == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("<meta name=author content='By Ada Moss'>", "Ada Moss"),
        ("<meta property='article:author' content='https://x.example/ada'>", None),
        ("<p class=byline>by <a rel=author href=/ada>Ada Moss</a></p>", "Ada Moss"),
    ],
)
def test_bylines(head: str, expected: str | None) -> None:
    assert extract(f"{head}<body>{ARTICLE}").byline == expected


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://garden.example/clay#top", "https://garden.example/clay"),
        ("/clay?utm_medium=x&id=3", "https://www.garden.example/clay?id=3"),
        ("https://evil.example/clay", "https://www.garden.example/soil"),
        ("https://www.garden.example.evil.example/", "https://www.garden.example/soil"),
        ("/", "https://www.garden.example/soil"),
        ("javascript:alert(1)", "https://www.garden.example/soil"),
        ("http://[broken", "https://www.garden.example/soil"),
    ],
)
def test_the_canonical_link(href: str, expected: str) -> None:
    assert extract(f"<link rel=canonical href='{href}'>{ARTICLE}").link == expected


def test_a_link_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="http"):
        extract_page(PAGE, "ftp://garden.example/soil")


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<html><body></body></html>",
        "<body><noscript>You need to enable JavaScript.</noscript><div id=root></div>",
        "<script>window.location = '/'</script>",
        "<form><input name=user><input type=password><button>Sign in</button></form>",
        f"<nav><ul>{MENU}</ul></nav>",
        "<div role=dialog aria-modal=true><p>We value your privacy. Accept our cookies?</p></div>",
    ],
)
def test_a_page_with_nothing_to_read(html: str) -> None:
    assert extract_page(html, LINK) is None


def test_a_wall_stays_short_enough_to_be_seen_as_one() -> None:
    html = (
        f"<nav><ul>{MENU}</ul></nav><main><h1>Sign in</h1><p>Sign in to read this story.</p></main>"
        f"<footer><ul>{MENU * 20}</ul></footer>"
    )
    page = extract_page(html, LINK)
    assert page is None or len(page.text) < 100


def test_a_short_post_is_read() -> None:
    text = "Planted the last garlic today. Soil still warm, robin very interested."
    page = extract(f"<nav><ul>{MENU}</ul></nav><main><article><p>{text}</p></article></main>")
    assert page.text == text


def test_a_first_heading_that_is_not_the_title_stays() -> None:
    html = PAGE.replace("<h1>Clay in winter</h1>", "<h2>What we dug</h2>")
    assert extract(html).text.startswith("## What we dug\n\n")


def test_a_body_that_a_script_shows_is_read() -> None:
    assert PROSE[0] in extract(f"<body style='visibility:hidden'>{ARTICLE}").text


def test_a_page_of_ten_megabytes() -> None:
    count = 10_000_000 // len(ARTICLE) // 10
    html = PAGE.replace(ARTICLE, ARTICLE * count, 1) + "<!--" + " " * 9_000_000
    text = extract(html).text
    assert text.count(PROSE[0]) == count
    assert "cookies" not in text


@given(st.text(max_size=300), st.text(max_size=40))
@example("<b", "<")  # all of it is one element of a tag that is none
@settings(deadline=None)  # a busy machine is no fault
def test_broken_pages_do_no_harm(inside: str, attribute: str) -> None:
    html = f"<h1 class='{attribute}'>{inside}<p>{PROSE[0]}<table>{inside}<{attribute}>"
    page = extract_page(html, LINK)
    assert page is None or "<script" not in page.text


@pytest.mark.handbook
def test_real_pages(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "bench")
    from extraction import measure  # type: ignore[import-not-found]

    folders = sorted(file.parent for file in (data_folder / "pages").glob("*/source.html"))
    if not folders:
        pytest.skip(f"needs pages/*/source.html in {data_folder} (set TWIN_TEST_DATA)")
    rows = [measure(folder) for folder in folders]
    titled = [row["title_ok"] for row in rows if row["title_ok"] is not None]
    assert math.fsum(row["f1"] for row in rows) / len(rows) >= 0.96
    assert sum(titled) / len(titled) >= 0.9
