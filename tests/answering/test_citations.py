"""Citations in a model's answer, however it is cut into tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retrieving import candidate

from twin_serving.answering import Support
from twin_serving.answering.citations import CitationFilter, supporting
from twin_serving.retrieval import Passage

TEXT = (
    "A cold dough rises slowly and gains taste. The fridge of the bakery stands at 4 degrees. "
    "Rye wants a sour starter that is a day old."
)


def passages(count: int = 2) -> dict[int, Passage]:
    return {n: Passage(n, candidate(TEXT), ("c",)) for n in range(1, count + 1)}


def filtered(*tokens: str) -> tuple[str, list[int], list[int]]:
    """Return the text, the numbers that it cites, and those that were dropped."""
    citations = CitationFilter(passages())
    pieces = [piece for token in tokens for piece in citations.feed(token)]
    pieces += citations.end()
    cited = [support.n for piece in pieces for support in piece.support]
    return "".join(piece.text for piece in pieces), cited, citations.dropped


@pytest.mark.parametrize(
    ("said", "text", "cited", "dropped"),
    [
        ("Warm [1].", "Warm [1].", [1], []),
        ("Warm[1].", "Warm [1].", [1], []),
        ("Warm [1][2].", "Warm [1] [2].", [1, 2], []),
        ("Warm [1, 2].", "Warm [1] [2].", [1, 2], []),
        ("Warm [1;2].", "Warm [1] [2].", [1, 2], []),
        ("Warm [ 2 ].", "Warm [2].", [2], []),
        ("Warm [7].", "Warm.", [], [7]),
        ("Warm [1, 7].", "Warm [1].", [1], [7]),
        ("Warm [1, 1].", "Warm [1].", [1], []),
        ("Warm [1-2].", "Warm [1] [2].", [1, 2], []),
        ("Warm [1–3, 8].", "Warm [1] [2].", [1, 2], [3, 8]),
        ("Digits [0-9] [1].", "Digits [0-9] [1].", [1], []),
        ("Warm [0].", "Warm.", [], [0]),
        ("[1] says so.", " [1] says so.", [1], []),
        ("A list [a] and [1", "A list [a] and [1", [], []),
        ("In `a[1]` it is [1].", "In `a[1]` it is [1].", [1], []),
        ("```\nx[1] = y[7]\n```\nSo [2].", "```\nx[1] = y[7]\n```\nSo [2].", [2], []),
        ("A lone ` and x [1]\nthen [1].", "A lone ` and x [1]\nthen [1].", [1], []),
        ("``a ` b[1]`` so [2].", "``a ` b[1]`` so [2].", [2], []),
        ("See [1](https://example.com).", "See [1](https://example.com).", [1], []),
        ("Two  spaces and an end ", "Two  spaces and an end", [], []),
    ],
)
def test_numbers_that_name_no_passage_are_dropped(
    said: str, text: str, cited: list[int], dropped: list[int]
) -> None:
    assert filtered(said) == (text, cited, dropped)
    assert filtered(*said) == (text, cited, dropped)  # token by token


@given(st.text(alphabet="ab []01279,;-` .\n", max_size=40), st.data())
def test_tokens_may_be_cut_anywhere(said: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=6)))
    tokens = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    assert filtered(*tokens) == filtered(said)


def test_nothing_is_held_back_that_cannot_become_a_marker() -> None:
    citations = CitationFilter(passages())
    assert [piece.text for piece in citations.feed("Warm")] == ["Warm"]
    assert [piece.text for piece in citations.feed(" [a")] == [" [a"]
    assert [piece.text for piece in citations.feed(" [1")] == []
    assert [piece.text for piece in citations.feed("] it")] == [" [1]", " it"]


def test_a_citation_is_supported_by_the_sentence_that_says_the_same() -> None:
    passage = passages()[1]
    support = supporting("Rye needs a starter that is sour", passage)
    assert TEXT[support.start : support.end].startswith("Rye wants a sour starter")
    nothing = supporting("Completely unrelated", passage)
    assert nothing == Support(1, 0, 0)


def test_each_citation_has_its_own_statement() -> None:
    citations = CitationFilter(passages())
    said = "Rye wants a sour starter [1]. The fridge stands at 4 degrees [2]."
    pieces = [*citations.feed(said), *citations.end()]
    first, second = [support for piece in pieces for support in piece.support]
    assert "Rye" in TEXT[first.start : first.end]
    assert "fridge" in TEXT[second.start : second.end]
