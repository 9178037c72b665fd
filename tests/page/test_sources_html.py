"""The sources on the page: each passage in its document, the supporting words marked."""

from dataclasses import replace

import pytest
from builders import cleaned_document
from shown import ADA, Page, assert_harmless, citation, index, partition

from twin_serving.page.html import web_link
from twin_serving.page.sources import sources_html


def test_the_supporting_words_are_marked_and_nothing_else() -> None:
    page = Page(sources_html([citation("One. Two. Three.", (5, 9))], index()))
    assert page.marked == ["Two."]
    assert "One. Two. Three." in page.text


def test_support_is_found_by_its_place_in_the_document() -> None:
    page = Page(sources_html([citation("One. Two.", (105, 109), start=100)], index()))
    assert page.marked == ["Two."]


@pytest.mark.parametrize(
    ("spans", "marked"),
    [
        ([(0, 6), (3, 10)], ["0123456789"]),
        ([(5, 8), (0, 2)], ["01", "567"]),
        ([(0, 9), (2, 4)], ["012345678"]),
        ([(8, 99)], ["89"]),
        ([(50, 60), (4, 4)], []),
    ],
)
def test_overlapping_and_outlying_support(spans: list[tuple[int, int]], marked: list[str]) -> None:
    page = Page(sources_html([citation("0123456789", *spans)], index()))
    assert page.marked == marked
    assert "0123456789" in page.text


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://example.com",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//example.com/a",
        "https:///nohost",
        "http://[broken",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_link_that_is_not_of_the_web_is_text(link: str) -> None:
    assert web_link(link) is None
    document = replace(cleaned_document("Words."), link=link)
    html = sources_html([citation("Words.", document=document)], index())
    assert list(Page(html).all("a")) == []
    assert_harmless(html)


def test_no_citations_give_no_sources() -> None:
    assert sources_html([], index()) == ""


def test_marks_of_markdown_become_what_they_mean() -> None:
    html = sources_html([citation("# Title <b>\nwords **here**", (12, 17))], index())
    assert "<b>Title &lt;b&gt;</b>\n<mark>words</mark> <b>here</b>" in html


def test_code_is_shown_as_it_is() -> None:
    document = cleaned_document("# comment", path="src/a.py")
    html = sources_html([citation("# comment", document=document)], index())
    assert "<blockquote class='passage'># comment</blockquote>" in html
    assert 'class="document code"' in html


def test_a_passage_stands_in_its_document() -> None:
    document = cleaned_document("y" * 7000 + "Before. Words. After." + "z" * 7000)
    passage = citation("Words.", start=7008, document=document)
    page = Page(sources_html([passage], index()))
    assert "Before. Words. After." in page.text
    assert page.text.count("…") == 2  # a long document goes on at both ends
    assert page.text.count("y") < 6100
    short = Page(sources_html([citation("Words.")], index()))
    assert "…" not in short.text


def test_a_source_names_title_author_platform_similarity_and_original() -> None:
    document = cleaned_document("Words.", link="https://example.com/a?b=1&c=2")
    partitions = index(partition(replace(ADA, sample=True)))
    page = Page(sources_html([citation("Words.", document=document)], partitions))
    for words in ("A title", "Ada sample", "blog article", "similarity 0.50", "on example.com"):
        assert words in page.text
    (link,) = page.all("a")
    assert link == {
        "href": "https://example.com/a?b=1&c=2",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }
    (details,) = page.all("details")
    assert details == {"class": "source", "id": "source-1"}
