"""What fits a question: a cosine that is high enough, or words that the model cannot judge."""

import pytest
from retrieving import candidate

from twin_serving.retrieval.fitting import fit_for

ERROR = "ERR_1207 is raised when the harbour sensor drops two frames in a row."
LEARNED = {
    "i",
    "do",
    "sensor",
    "what",
    "does",
    "mean",
    "harbour",
    "how",
    "fix",
    "the",
    "boats",
    "in",
    "winter",
    "by",
}


def allows(question: str, text: str, similarity: float = 0.1) -> bool:
    return fit_for(question, 0.38, LEARNED.__contains__).allows(candidate(text, similarity))


def test_a_cosine_that_is_high_enough_fits():
    assert allows("What does it mean?", "Anything.", 0.38)
    assert not allows("What does it mean?", "Anything.", 0.37)


@pytest.mark.parametrize(
    ("question", "fits"),
    [
        ("What does ERR_1207 mean?", True),
        ("what does err_1207 mean", True),
        ("How do I fix ERR_1207 in the harbour sensor?", True),
        ("What does ERR_1208 mean?", False),
        ("What does ERR_1207 mean, and ERR_1208?", False),
        ("What does 1207 mean?", False),  # another word
        ("the harbour", False),  # the model knows the word, so its cosine counts
        ("How are boats in winter painted, tarred, moored and ERR_1207?", False),  # hardly met
        ("", False),
    ],
)
def test_a_word_that_the_model_never_learned_fits_where_it_stands(question, fits):
    assert allows(question, ERROR) is fits


def test_the_title_counts():
    assert candidate(ERROR).document.title == "A title"
    assert allows("What does the title mean?", ERROR)
    assert not allows("What does the subtitle mean?", ERROR)
