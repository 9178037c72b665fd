"""Texts as words."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_assets.words import as_unicode, question_words, word_hashes, words, written_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("...", []),
        ("Running dogs RUN", ["run", "dog", "run"]),
        ("Inês' crème brûlée", ["ine", "creme", "brule"]),
        ("the_model_id = get_Models()", ["the", "model", "id", "get", "model"]),
        ("C and R in 2026", ["c", "and", "r", "in", "2026"]),
        ("Straße", ["strass"]),
        ("东京都 の 天気", ["东京", "京都", "の", "天気"]),
        ("хлеб и соль", ["хлеб", "и", "соль"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How do you measure heat loss?", ["measur", "heat", "loss"]),
        ("Who are you?", ["who", "are", "you"]),
        ("", []),
        ("What's rye?", ["rye"]),
        ("What’s the baker’s rye?", ["baker", "rye"]),
        ("Why can't rye rise, and why won’t it?", ["rye", "rise"]),
        ("They'd say I've rye, you're sure it'll rise, I'm not", ["rye", "sure", "rise"]),
        ("Is T or S a letter in D'Arcy's C?", ["t", "s", "letter", "d", "arci", "c"]),
    ],
)
def test_a_question_is_searched_by_its_telling_words(question, expected) -> None:
    assert question_words(question) == expected


def test_words_as_they_are_written() -> None:
    text = "What’s ERR_1207's Crème? The crème-brûlée."
    assert written_words(text) == {"what", "err_1207", "creme", "the", "brulee"}


@given(st.text())
def test_any_text_has_words_and_a_word_is_found_again(text: str) -> None:
    found = words(text)
    assert words(text.upper().lower()) == words(text.lower()) or not text.isascii()
    assert all(found) and len(word_hashes(found)) == len(found)


def test_hashes_are_the_same_in_another_process() -> None:
    code = (
        "from twin_assets.words import word_hashes; print(word_hashes(['rye', 'ягода']).tolist())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(word_hashes(["rye", "ягода"]).tolist())


def test_half_a_character_is_no_text() -> None:
    assert as_unicode("rye \udce9 and \ud800!") == "rye ? and ?!"
    assert as_unicode("ягода 🍓") == "ягода 🍓"
