"""A conversation as the page keeps it, and what the options drawer asks with."""

from dataclasses import replace

import pytest
from shown import answer, citation

from twin_serving.audit import Feedback
from twin_serving.llm import Message
from twin_serving.page.asking import Talk
from twin_serving.page.options import EVERYONE, option_values, options_of
from twin_serving.retrieval import PRESETS


def test_a_question_goes_on_from_what_was_said() -> None:
    first = Talk().with_question("One?", "ada")
    assert (first.asked, first.author, first.history) == ("One?", "ada", [])
    said = first.answered(replace(answer([citation()]), text="1."))
    assert (said.answer, said.answer_id, said.lit) == ("1.", "1", ("chunk",))
    second = said.with_question("Two?", "")
    assert second.history == [Message("user", "One?"), Message("assistant", "1.")]
    assert (second.answer, second.lit, second.feedback) == ("", (), Feedback())


def test_asking_again_forgets_the_answer_and_not_what_was_before() -> None:
    said = Talk((("One?", "1."),), "Two?", answer="2.", answer_id="2")
    again = said.again("*")
    assert (again.asked, again.author, again.answer) == ("Two?", "*", "")
    assert again.turns == said.turns
    assert again.with_question("Three?", "").turns == said.turns  # it was never answered


def test_a_long_conversation_keeps_its_last_turns() -> None:
    talk = Talk()
    for n in range(50):
        talk = replace(talk.with_question(f"{n}?", ""), answer=f"{n}.")
    assert len(talk.turns) == 30
    assert talk.turns[-1] == ("48?", "48.")


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_drawer_says_what_the_preset_does(name: str) -> None:
    assert options_of("", option_values(name)) == PRESETS[name]
    assert options_of("ada", option_values(name)) == replace(PRESETS[name], author="ada")
    assert options_of(EVERYONE, option_values(name)) == replace(PRESETS[name], self_query=False)
