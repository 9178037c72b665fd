"""Markdown as HTML: what its marks mean, where spans fall, and that nothing of it is trusted."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown import HOSTILE, Page, assert_harmless

from twin_serving.page.prose import code_html, prose_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain & <b>", "plain &amp; &lt;b&gt;"),
        ("## Two bodies ##\nand words", "<b>Two bodies</b>\nand words"),
        ("#hashtag", "#hashtag"),
        ("a **bold** and __bold__ word", "a <b>bold</b> and <b>bold</b> word"),
        ("an *italic* and _italic_ word", "an <i>italic</i> and <i>italic</i> word"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("`a*b*c` is code", "<code>a*b*c</code> is code"),
        ("see [this page](https://a.example/x) now", "see this page now"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),  # its brackets do not fit
        ("![a picture](https://a.example/x.png)", "a picture"),
        ("```py\n# **no**\n```\nafter", "<code># **no**</code>\nafter"),
        ("~~~\n```\n~~~\nx", "<code>```</code>\nx"),
        ("# *Both*", "<b><i>Both</i></b>"),
        ("", ""),
    ],
)
def test_marks_become_what_they_mean(text: str, html: str) -> None:
    assert prose_html(text) == [html]


def test_a_marked_span_may_cross_every_format() -> None:
    text = "One **two three** four `five` six."
    (html,) = prose_html(text, [(text.index("three"), text.index("five") + 2)])
    assert html == (
        "One <b>two </b><mark><b>three</b> four <code>fi</code></mark><code>ve</code> six."
    )


def test_spans_out_of_the_text_mark_what_is_in_it() -> None:
    html = prose_html("words", [(-5, 2), (4, 99), (50, 60)])
    assert html == ["<mark>wo</mark>rd<mark>s</mark>"]


def test_code_is_never_markdown() -> None:
    assert code_html("# **a** <b>", [(2, 7)]) == ["# <mark>**a**</mark> &lt;b&gt;"]


@given(
    st.text(alphabet="ab *_`#[]()!~\n<&\"'", max_size=80),
    st.lists(st.tuples(st.integers(-3, 90), st.integers(-3, 90)), max_size=4),
)
def test_whatever_it_says_its_letters_are_shown_once_and_its_tags_fit(text, spans) -> None:
    (html,) = prose_html(text, spans)
    assert_harmless(html)
    shown = unescape(re.sub(r"</?(?:mark|b|i|code)>", "", html))
    kept = iter(text)
    assert all(letter in kept for letter in shown)  # in their order, none added
    opened: list[str] = []
    for slash, tag in re.findall(r"<(/?)(mark|b|i|code)>", html):
        if slash:
            assert opened.pop() == tag
        else:
            opened.append(tag)
    assert opened == []
    assert code_html(text, spans)[0].count("<mark>") <= len(spans)


def test_hostile_markdown_is_text() -> None:
    (html,) = prose_html(HOSTILE)
    assert_harmless(html)
    assert "alert(1)" in Page(html).text


def test_a_piece_means_what_it_means_in_the_whole() -> None:
    text = "Before.\n```\n# **code**\n```\n**After** it."
    start, end = text.index("**code"), text.index(" it")
    before, passage, after = prose_html(text, [(start, end)], cuts=[start, end])
    assert before == "Before.\n<code># </code>"
    assert passage == "<mark><code>**code**</code>\n<b>After</b></mark>"
    assert after == " it."


def test_a_heading_of_many_spaces_is_read_in_one_go() -> None:
    (html,) = prose_html("# a" + " " * 20_000 + "b")  # hours, where a pattern tries every space
    assert html == "<b>a" + " " * 20_000 + "b</b>"
