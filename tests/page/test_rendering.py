"""What the page shows. Every text here may come from a crawled page, so none of it is trusted."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from builders import cleaned_document
from twin_serving.page.rendering import (
    render_answer,
    render_author,
    render_error,
    render_index,
    render_partial_answer,
    render_sources,
    render_trace,
    render_welcome,
    web_link,
)

from twin_assets.documents import Author, CleanedDocument
from twin_serving.answering import Piece, Support, Written
from twin_serving.answers import Answer, Citation
from twin_serving.catalog import ServedPartition
from twin_serving.governance import Verdict
from twin_serving.page.html import status_html
from twin_serving.retrieval import AuthorMatch, Candidate, IndexUsed, Passage, Retrieval, StageTrace

HOSTILE = (
    '<script>alert(1)</script> <img src=x onerror="alert(2)"> </mark></details> '
    "\"'><a href=javascript:alert(3)> ${alert(4)} {{alert}} &lt;b&gt; \u202egnp"
)
ADA = Author("ada", "Ada")


class Page(HTMLParser):
    """The HTML as a browser takes it: its elements, and its text with the entities resolved."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.marked: list[str] = []
        self._marks = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "mark":
            self._marks += 1
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        self._marks -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._marks:
            self.marked[-1] += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def citation(
    text: str = "First words. Second words.",
    *support: tuple[int, int],
    n: int = 1,
    start: int = 0,
    document: CleanedDocument | None = None,
) -> Citation:
    document = document or cleaned_document("x" * start + text)
    candidate = Candidate("chunk", document, start, start + len(text), text, 9, 0.5, 1.5, 0.625)
    return Citation(
        Passage(n, candidate, (candidate.chunk_id,)), tuple(Support(n, *span) for span in support)
    )


def partition(author: Author = ADA, **changes: object) -> ServedPartition:
    one = ServedPartition(author, "v-1", "run-1", 7, "2026-03-01T09:30:12+00:00", 1, 1200, 1300)
    return replace(one, **changes)  # type: ignore[arg-type]


def index(*partitions: ServedPartition) -> IndexUsed:
    return IndexUsed("faiss", partitions or (partition(),))


def retrieval(author: AuthorMatch | None, reason: str | None = None) -> Retrieval:
    trace = (StageTrace("self_query", 0.001, reason=reason),)
    return Retrieval("Why?", "Why?", author, index(), (), trace)


def answer(
    citations: Sequence[Citation],
    by: str = "extractive",
    question: str = "Why?",
    passages: Sequence[Passage] = (),
    **more: Any,
) -> Answer:
    found = replace(
        retrieval(None),
        question=question,
        passages=tuple(passages) or tuple(citation.passage for citation in citations),
    )
    fields = {"verdict": Verdict(True), **more}
    return Answer("1", found, "", Written(by), tuple(citations), (), **fields)


def assert_harmless(html: str) -> None:
    """No element, attribute or link that could run or load something."""
    page = Page(html)
    known = "a b blockquote code details div h2 h3 i li mark ol p section span summary time ul"
    assert {tag for tag, _ in page.elements} <= set(known.split())
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    for link in page.all("a"):
        assert (link["href"] or "").startswith(("http://", "https://", "#source-"))


def test_a_marker_links_to_the_source_that_its_piece_rests_on() -> None:
    pieces = [Piece("One. [1]", (Support(1, 0, 4),)), Piece(" Two. [2]", (Support(2, 0, 4),))]
    page = Page(render_answer(answer([citation(), citation(n=2)]), pieces))
    assert [link["href"] for link in page.all("a")] == ["#source-1", "#source-2"]
    assert "One. 1 Two. 2" in page.text


def test_a_bracketed_number_in_quoted_words_is_no_citation() -> None:
    pieces = [Piece("As [2] and [99] show. [1]", (Support(1, 0, 4),))]
    page = Page(render_answer(answer([citation()]), pieces))
    assert [link["href"] for link in page.all("a")] == ["#source-1"]
    assert "As [2] and [99] show." in page.text


def test_the_answer_says_who_wrote_it() -> None:
    pieces = [Piece("One. [1]", (Support(1, 0, 4),))]
    html = render_answer(answer([citation()]), pieces)
    assert "sentences quoted from the sources, no language model" in html
    assert "Answered by some model" in render_answer(answer([citation()], "some model"), pieces)


def test_an_answer_without_citations_is_a_calm_line_of_nobody() -> None:
    html = render_answer(answer([]), [Piece("Nothing fitting was found.")])
    assert "Nothing fitting was found." in Page(html).text
    assert "Answered by" not in html
    assert "notice-error" not in html


def test_what_a_reader_should_know_of_an_answer_stands_beside_it() -> None:
    pieces = [Piece("One.")]
    found = [citation().passage]
    html = render_answer(answer([], "tgi: tiny", passages=found), pieces)
    assert "cites none of the sources" in html
    html = render_answer(answer([citation()], verdict=Verdict(False, "a blocked term: x")), pieces)
    assert "not compliant: a blocked term: x" in html
    fault = "The model server at http://a cannot be reached."
    page = Page(render_answer(answer([], passages=found, fault=fault), pieces))
    assert "One." in page.text
    assert fault in page.text


def test_an_error_is_one_announced_line() -> None:
    page = Page(render_error("The question is empty."))
    assert page.text == "The question is empty."
    assert [p["role"] for p in page.all("p")] == ["alert"]


def test_the_supporting_words_are_marked_and_nothing_else() -> None:
    page = Page(render_sources([citation("One. Two. Three.", (5, 9))], index()))
    assert page.marked == ["Two."]
    assert "One. Two. Three." in page.text


def test_support_is_found_by_its_place_in_the_document() -> None:
    page = Page(render_sources([citation("One. Two.", (105, 109), start=100)], index()))
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
    page = Page(render_sources([citation("0123456789", *spans)], index()))
    assert page.marked == marked
    assert "0123456789" in page.text


def test_line_breaks_and_headings_of_prose_are_kept() -> None:
    html = render_sources([citation("# Title <b>\nwords # here", (12, 17))], index())
    assert "<b># Title &lt;b&gt;</b>\n<mark>words</mark> # here" in html


def test_code_is_shown_as_code_and_its_comments_are_no_headings() -> None:
    document = cleaned_document("# comment", path="src/a.py")
    html = render_sources([citation("# comment", document=document)], index())
    assert 'class="passage code"># comment</blockquote>' in html


def test_a_source_names_title_author_category_similarity_and_original() -> None:
    document = cleaned_document("Words.", link="https://example.com/a?b=1&c=2")
    partitions = index(partition(replace(ADA, sample=True)))
    page = Page(render_sources([citation("Words.", document=document)], partitions))
    for words in ("A title", "Ada sample", "article", "similarity 0.50", "on example.com"):
        assert words in page.text
    (link,) = page.all("a")
    assert link == {
        "href": "https://example.com/a?b=1&c=2",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }
    (details,) = page.all("details")
    assert details == {"class": "source", "id": "source-1"}


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
    html = render_sources([citation("Words.", document=document)], index())
    assert list(Page(html).all("a")) == []
    assert_harmless(html)


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    author = Author("eve", HOSTILE)
    document = replace(
        cleaned_document(HOSTILE, author="eve", link='https://evil.example/"><script>'),
        title=HOSTILE,
        published_at=HOSTILE,
    )
    cited = citation(HOSTILE, (3, 40), document=document)
    searched = index(partition(author, version=HOSTILE, run_id=HOSTILE))
    output = {"candidates": [{"title": HOSTILE}], "faults": [HOSTILE], HOSTILE: HOSTILE}
    pieces = [Piece(HOSTILE + " [1]", (Support(1, 0, 4),))]
    for html in (
        render_answer(answer([cited], HOSTILE, HOSTILE), pieces),
        render_answer(answer([cited], question=HOSTILE, verdict=Verdict(False, HOSTILE)), pieces),
        render_answer(answer([cited], fault=HOSTILE), pieces),
        render_answer(answer([], question=HOSTILE), pieces),
        render_partial_answer(HOSTILE, pieces),
        render_sources([cited], searched),
        render_sources([cited], index()),  # its author is not among the partitions
        render_author(retrieval(AuthorMatch("eve", HOSTILE, HOSTILE))),
        render_author(retrieval(None, HOSTILE)),
        render_trace([StageTrace(HOSTILE, 0.1, output, reason=HOSTILE)]),
        render_index(searched, "http://127.0.0.1:3000"),
        render_welcome(searched.partitions),
        render_error(HOSTILE),
        status_html(HOSTILE),
    ):
        assert_harmless(html)
        assert "alert(1)" in Page(html).text


def test_no_citations_give_no_sources() -> None:
    assert render_sources([], index()) == ""


def test_the_author_and_how_it_was_matched() -> None:
    text = Page(render_author(retrieval(AuthorMatch("ada", "Ada", "full name, misspelled")))).text
    assert "Ada" in text
    assert "matched by full name, misspelled" in text
    assert "several fit" in Page(render_author(retrieval(None, "several fit"))).text


def test_a_stage_shows_its_seconds_as_a_share_of_the_longest() -> None:
    trace = [
        StageTrace("search", 0.25, {"candidates": [{"title": "a"}, {"title": "b"}]}),
        StageTrace("rerank", 1.0, {"method": "late interaction"}),
        StageTrace("generation", 0.0, {"cited": [1, 3]}),
    ]
    page = Page(render_trace(trace))
    assert [bar["style"] for bar in page.all("i")] == ["width:25%", "width:100%", "width:0%"]
    for words in ("250 ms", "1.0 s", "1.2 s", "candidates 2", "method late interaction"):
        assert words in page.text
    assert "cited 1, 3" in page.text


def test_a_skipped_stage_says_so_and_why() -> None:
    page = Page(render_trace([StageTrace("rerank", 0.0, skipped=True, reason="switched off")]))
    assert "skipped" in page.text
    assert "switched off" in page.text
    assert [row["class"] for row in page.all("li")] == ["stage skipped"]


def test_a_trace_of_nothing_is_empty() -> None:
    assert "<li" not in render_trace([])


def test_the_index_links_its_asset_and_run_in_dagster() -> None:
    odd = partition(Author("ada & co", "Ada"), run_id="a/b")
    page = Page(render_index(index(odd), "http://127.0.0.1:3000"))
    assert [link["href"] for link in page.all("a")] == [
        "http://127.0.0.1:3000/assets/faiss_index?view=partitions&partition=ada%20%26%20co",
        "http://127.0.0.1:3000/runs/a%2Fb",
    ]
    for words in ("faiss, 1 author", "v-1", "1 document, 1,200 chunks", "2026-03-01 09:30 UTC"):
        assert words in page.text


def test_many_partitions_stay_closed() -> None:
    few = Page(render_index(index(*[partition()] * 3), "http://x"))
    many = Page(render_index(index(*[partition()] * 4), "http://x"))
    assert ["open" in details for details in few.all("details")] == [True]
    assert ["open" in details for details in many.all("details")] == [False]
    assert "faiss, 4 authors" in many.text


def test_the_welcome_names_authors_up_to_a_number() -> None:
    assert "more" not in Page(render_welcome([partition()] * 24)).text
    page = Page(render_welcome([partition()] * 30))
    assert "and 6 more" in page.text
    assert len(list(page.all("li"))) == 25
