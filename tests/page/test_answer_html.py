"""The answer on the page: its citations, who wrote it, whom it is of, what can be done with it."""

from dataclasses import replace

from shown import ADA, Page, answer, citation, partition, retrieval

from twin_assets.documents import Author
from twin_serving.answering import Piece, Support
from twin_serving.governance import Verdict
from twin_serving.page.answer import (
    actions_html,
    answer_html,
    earlier_html,
    failure_html,
    meant_html,
    partial_answer_html,
    welcome_html,
)
from twin_serving.retrieval import AuthorMatch, StageTrace


def test_a_marker_links_to_the_source_that_its_piece_rests_on() -> None:
    pieces = [Piece("One. [1]", (Support(1, 0, 4),)), Piece(" Two. [2]", (Support(2, 0, 4),))]
    page = Page(answer_html(answer([citation(), citation(n=2)]), pieces))
    assert [link["href"] for link in page.all("a")] == ["#source-1", "#source-2"]
    assert "One. 1 Two. 2" in page.text


def test_a_bracketed_number_in_quoted_words_is_no_citation() -> None:
    pieces = [Piece("As [2] and [99] show. [1]", (Support(1, 0, 4),))]
    page = Page(answer_html(answer([citation()]), pieces))
    assert [link["href"] for link in page.all("a")] == ["#source-1"]
    assert "As [2] and [99] show." in page.text


def test_the_answer_says_who_wrote_it() -> None:
    pieces = [Piece("One. [1]", (Support(1, 0, 4),))]
    text = Page(answer_html(answer([citation()]), pieces)).text
    assert "Quoted from the sources" in text
    assert "no language model" in text
    text = Page(answer_html(answer([citation()], "some model"), pieces)).text
    assert "Written by a language model" in text
    assert "answered by some model" in text


def test_an_answer_without_citations_is_a_calm_line_of_nobody() -> None:
    html = answer_html(answer([]), [Piece("Nothing fitting was found.")])
    assert "Nothing fitting was found." in Page(html).text
    assert "badge" not in html
    assert "notice-error" not in html


def test_what_a_reader_should_know_of_an_answer_stands_beside_it() -> None:
    pieces = [Piece("One.")]
    found = [citation().passage]
    html = answer_html(answer([], "tgi: tiny", passages=found), pieces)
    assert "cites none of the sources" in html
    html = answer_html(answer([citation()], verdict=Verdict(False, "a blocked term: x")), pieces)
    assert "not compliant: a blocked term: x" in html
    fault = "The model server at http://a cannot be reached."
    page = Page(answer_html(answer([], passages=found, fault=fault), pieces))
    assert "One." in page.text
    assert fault in page.text


def test_an_error_is_one_announced_line() -> None:
    page = Page(failure_html("The question is empty."))
    assert page.text == "The question is empty."
    assert [p["role"] for p in page.all("p")] == ["alert"]


def test_an_error_leaves_what_had_come() -> None:
    found = retrieval(AuthorMatch("ada", "Ada", "alias"))
    page = Page(failure_html("The server is down.", found, [Piece("First.")]))
    assert "Why?" in page.text
    assert "First.The server is down." in page.text


def buttons(html: str) -> list[dict[str, str | None]]:
    return list(Page(html).all("button"))


def test_whom_it_asked_can_be_corrected_with_a_click() -> None:
    page = Page(meant_html(retrieval(AuthorMatch("ada", "Ada", "full name, misspelled"))))
    assert "Asked of Ada matched by full name, misspelled" in page.text
    assert [one["data-author"] for one in page.all("button")] == ["*"]
    partial = partial_answer_html(retrieval(AuthorMatch("ada", "Ada", "alias")), [])
    assert 'aria-busy="true"' in partial  # it is read out once it is whole
    assert buttons(partial) == []  # the answer to the one question would meet the other's
    html = meant_html(retrieval(None, "two fit", named=["ada", "bob"]))
    assert "everyone two fit" in Page(html).text
    assert [one["data-author"] for one in buttons(html)] == ["ada", "bob"]
    assert "Ask only Ada" in Page(html).text


def test_only_an_answer_that_is_kept_can_be_voted_on() -> None:
    assert "vote" not in {one.get("data-act") for one in buttons(actions_html(votes=False))}
    pressed = {
        one["data-vote"]: one["aria-pressed"]
        for one in buttons(actions_html(votes=True, vote="down"))
        if one.get("data-act") == "vote"
    }
    assert pressed == {"up": "false", "down": "true"}


def test_the_latest_turn_comes_first() -> None:
    assert earlier_html([]) == ""
    text = Page(earlier_html([("One?", "1."), ("Two?", "2.")])).text
    assert text.index("Two?") < text.index("2.") < text.index("One?")


def test_the_address_of_an_answer_names_whom_the_asker_chose() -> None:
    def author_of(match: AuthorMatch | None, skipped: bool = False) -> str | None:
        whole = answer([citation()], match=match)
        trace = (StageTrace("self_query", 0.0, skipped=skipped),)
        found = replace(whole.retrieval, trace=trace)
        section = next(Page(answer_html(replace(whole, retrieval=found), [])).all("section"))
        assert section["data-q"] == found.question
        return section["data-author"]

    assert author_of(None) == ""
    assert author_of(None, skipped=True) == "*"
    assert author_of(AuthorMatch("ada", "Ada", "full name")) == ""
    assert author_of(AuthorMatch("ada", "Ada", "chosen"), skipped=True) == "ada"


def test_the_welcome_names_authors_up_to_a_number_and_gives_examples() -> None:
    assert "more" not in Page(welcome_html([partition()] * 24, [])).text
    html = welcome_html([partition()] * 30, ["Why rye?"])
    page = Page(html)
    assert "and 6 more" in page.text
    assert len(list(page.all("li"))) == 26
    assert [one["data-question"] for one in page.all("button")] == ["Why rye?"]
    assert "Try a question" not in Page(welcome_html([partition()], [])).text


def test_a_sample_author_is_marked() -> None:
    sample = Author(ADA.slug, ADA.name, sample=True)
    assert "Ada sample" in Page(welcome_html([partition(sample)], [])).text
