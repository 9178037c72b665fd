"""Crawled text in the Dagster UI: shown as it is written, whatever is written."""

import pytest

from twin_assets.assets.previews import link, preview

HOSTILE = "](javascript:alert(1)) ![x](http://evil.example/i.png) <img src=x onerror=alert(1)> `"


def test_a_title_cannot_leave_its_link():
    shown = link(HOSTILE, "https://example.com/a?b=c&d=%20e#f")
    assert shown.endswith("](https://example.com/a?b=c&d=%20e#f)")
    title = shown[1 : shown.rindex("](https://example.com")]
    for character in "[]()<>!`":
        assert title.count(character) == title.count("\\" + character)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://example.com/a)b",
        "https://example.com/<b>",
        "https://example.com/a b",
        'https://example.com/"onclick=',
        "https://example.com/\n",
        "",
    ],
)
def test_what_is_no_plain_web_address_is_no_link(url):
    assert link("A title", url) == "A title"


def test_a_text_cannot_close_its_fence():
    shown = preview("```\n# heading\n````").value
    assert shown.startswith("`````markdown\n")
    assert shown.endswith("\n`````")
