"""Texts as words."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_assets.words import question_words, word_hashes, words


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
    ("question", "leave_out", "expected"),
    [
        ("How do you measure heat loss?", (), ["measur", "heat", "loss"]),
        ("What does Mara say about rye?", {"mara"}, ["rye"]),
        ("Who are you?", (), ["who", "are", "you"]),
        ("Mara", {"mara"}, ["mara"]),
        ("", (), []),
    ],
)
def test_a_question_is_searched_by_its_telling_words(question, leave_out, expected) -> None:
    assert question_words(question, leave_out) == expected


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
