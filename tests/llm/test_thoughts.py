"""What a reasoning model thinks is no answer: any split of any answer, and each provider."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from asking_models import complete, streamed
from chat_servers import ChatServer, running_chat
from hypothesis import given
from hypothesis import strategies as st
from infer_servers import InferServer, running_infer
from stand_in_http import StandIn
from tgi_servers import TgiServer, running_tgi

from twin_assets.errors import ModelServerError
from twin_serving.llm import LanguageModel
from twin_serving.llm.guarded import GuardedModel
from twin_serving.llm.infer import InferModel
from twin_serving.llm.openai import OpenAIModel
from twin_serving.llm.tgi import TgiModel
from twin_serving.llm.thoughts import Thoughts

TAGGED = st.lists(st.sampled_from(["<think>", "</think>", "<thi", "a", " ", "\n", ">", "<"]))


def heard(pieces: list[str], *, thinking: bool = False) -> str:
    thoughts = Thoughts(thinking=thinking)
    return "".join([*map(thoughts.feed, pieces), thoughts.end()])


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Sour [1].", "Sour [1]."),
        ("<think>Rye? Hmm {</think>\n\nSour [1].", "Sour [1]."),
        (" \n<think></think>Sour.", "Sour."),
        ("<think>a</think>\n<think>b</think>Sour.", "Sour."),
        ("  Sour.", "  Sour."),
        ("Sour <think>not a thought</think> dough", "Sour <think>not a thought</think> dough"),
        ("<thinking cap>", "<thinking cap>"),
        ("<thi", "<thi"),
        ("", ""),
    ],
)
def test_thoughts_are_left_out_however_they_are_split(said: str, answer: str) -> None:
    for size in range(1, len(said) + 1):
        assert heard([said[at : at + size] for at in range(0, len(said), size)]) == answer
    assert heard([said]) == answer


def test_a_model_whose_prompt_begins_its_thought_is_said_to_think() -> None:
    said = "Rye? Hmm.</think>\n\nSour [1]."
    for size in range(1, len(said) + 1):
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        assert heard(pieces, thinking=True) == "Sour [1]."
    with pytest.raises(ModelServerError, match="TWIN_LLM_THINKS"):
        heard(["Rye? Hmm."], thinking=True)


@pytest.mark.parametrize(
    "said", ["<think>", "<think>Rye? </thin", "<think>Rye?</think>", "<think>a</think> \n"]
)
def test_thoughts_alone_are_a_fault(said: str) -> None:
    for pieces in ([said], list(said)):
        with pytest.raises(ModelServerError, match="TWIN_ANSWER_TOKENS"):
            heard(pieces)


@given(TAGGED, st.data())
def test_a_split_changes_nothing(parts: list[str], data: st.DataObject) -> None:
    said = "".join(parts)
    cut = sorted(data.draw(st.sets(st.integers(0, len(said)))))
    pieces = [said[a:b] for a, b in zip([0, *cut], [*cut, len(said)], strict=True)]
    try:
        whole = heard([said])
    except ModelServerError:
        with pytest.raises(ModelServerError):
            heard(pieces)
    else:
        assert heard(pieces) == whole


THOUGHT = "<think> Rye? {} </think>\n\n"


@pytest.fixture(params=["openai", "tgi", "infer"])
def asked(request: pytest.FixtureRequest) -> Iterator[tuple[GuardedModel, StandIn | ChatServer]]:
    """A provider behind the guard, and the stand-in that it asks."""
    with ExitStack() as stack:
        server: StandIn | ChatServer
        model: LanguageModel
        match request.param:
            case "openai":
                server = stack.enter_context(running_chat(ChatServer()))
                model = OpenAIModel(server.url)
            case "tgi":
                server = stack.enter_context(running_tgi(TgiServer()))
                model = TgiModel(server.url)
            case _:
                server = stack.enter_context(running_infer(InferServer()))
                model = InferModel(server.url)
        yield GuardedModel(model, 8), server


def test_no_provider_passes_thoughts_on(
    asked: tuple[GuardedModel, StandIn | ChatServer],
) -> None:
    model, server = asked
    server.reply = lambda request: THOUGHT + "Sour [1]."
    assert complete(model, max_tokens=50).strip() == "Sour [1]."
    assert "".join(streamed(model)[0]).strip() == "Sour [1]."
    server.reply = lambda request: THOUGHT.partition("</think>")[0]
    for ask in (complete, streamed):
        with pytest.raises(ModelServerError, match="did not answer"):
            ask(model)
    assert len(server.requests) == 4  # asking again would not help
