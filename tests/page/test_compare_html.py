"""Two answers side by side: what only one of them found or said is marked."""

from collections.abc import Sequence
from dataclasses import replace

from shown import HOSTILE, Page, answer, assert_harmless, citation

from twin_serving.answering import Piece, Support
from twin_serving.page.compare import Side, compared_html
from twin_serving.retrieval import StageTrace


def side(texts: Sequence[str], *chunks: str, fault: str | None = None) -> Side:
    citations = []
    for n, chunk in enumerate(chunks, 1):
        one = citation(n=n)
        candidate = replace(one.passage.candidate, chunk_id=chunk)
        citations.append(replace(one, passage=replace(one.passage, candidate=candidate)))
    whole = replace(
        answer(citations, fault=fault), trace=(StageTrace("search", 0.25), StageTrace("x", 0.25))
    )
    return Side([Piece(f" {text} [1]", (Support(1, 0, 5),)) for text in texts], whole)


def test_what_is_the_same_is_not_marked() -> None:
    page = Page(compared_html("Why?", [side(["One."], "a", "b"), side(["One."], "a", "b")]))
    assert page.text.startswith("Why?")
    assert "2 of 2 passages are on both sides; the answers have the same words" in page.text
    assert not list(page.all("ins"))
    assert page.text.count("on both sides") == 5
    assert page.text.count("500 ms") == 2


def test_what_differs_is_marked_on_its_side() -> None:
    html = compared_html("Why?", [side(["One.", "Two."], "a", "b"), side(["One."], "b", "c")])
    page = Page(html)
    assert "1 of 3 passages are on both sides, 1 of them in another place" in page.text
    assert "different words" in page.text
    assert html.count("<ins>") == 1
    assert "there as 2" in page.text
    assert "there as 1" in page.text
    assert page.text.count("only here") == 2
    links = [link["href"] for link in page.all("a") if "cite" in (link.get("class") or "")]
    assert links == ["#left-1", "#left-1", "#right-1"]
    ids = [details["id"] for details in page.all("details")]
    assert ids == ["left-1", "left-2", "right-1", "right-2"]


def test_the_tokens_of_a_model_are_joined_before_they_are_compared() -> None:
    def tokens(*texts: str) -> Side:
        return replace(side([], "a"), pieces=[Piece(text) for text in texts])

    left = tokens("It is", " use", "ful.", "\n\n", "Wait 20", " minutes", ", not 40.", " Bye.")
    right = tokens("It", " is useful. ", "Wait 40 minutes,", " not 20.", " Bye.")
    html = compared_html("Why?", [left, right])
    assert "It is useful.\n\n<ins>Wait 20 minutes, not 40.</ins> Bye.</p>" in html
    assert "It is useful. <ins>Wait 40 minutes, not 20.</ins> Bye.</p>" in html


def test_a_sentence_keeps_the_citations_behind_it() -> None:
    cited = Piece(" [1]", (Support(1, 0, 5),))
    left = replace(side([], "a"), pieces=[Piece("One."), cited, Piece(" Two."), cited])
    right = replace(side([], "a"), pieces=[Piece("One."), cited, Piece(" Three."), cited])
    html = compared_html("Why?", [left, right])
    assert html.count("<ins>") == 2
    links = [link for link in Page(html).all("a") if "cite" in (link.get("class") or "")]
    assert len(links) == 4
    assert '</a> <ins>Two. <a class="cite"' in html


def test_the_same_sentence_may_rest_on_another_number() -> None:
    left, right = side([], "a"), side([], "a")
    left = replace(left, pieces=[Piece("One. [1]"), Piece(" Two. [1]")])
    right = replace(right, pieces=[Piece("Two. [3]"), Piece(" One. [2]")])
    assert "<ins>" not in compared_html("Why?", [left, right])


def test_a_side_without_an_answer_says_why() -> None:
    page = Page(compared_html("Why?", [side(["One."], "a"), Side(fault="No index is served.")]))
    assert not list(page.all("ins"))  # there is nothing to compare with
    assert "No index is served." in page.text
    assert "passages are on both sides" not in page.text
    page = Page(
        compared_html("Why?", [side(["One."], "a", fault="The server is down."), side([], "a")])
    )
    assert "The server is down." in page.text


def test_hostile_answers_do_nothing() -> None:
    html = compared_html(HOSTILE, [side([HOSTILE], HOSTILE), Side(fault=HOSTILE)])
    assert_harmless(html)
    assert "alert(1)" in Page(html).text
