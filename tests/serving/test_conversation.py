"""Follow-up questions: whom they are about, and what they mean alone."""

import json

import pytest
from chat_servers import ChatServer, Refused, running_chat
from retrieving import events_of

from twin_serving.llm import Message
from twin_serving.llm.openai import OpenAIModel
from twin_serving.retrieval import RetrievalOptions
from twin_serving.retrieval.conversation import recent, stand_alone
from twin_serving.twin import Twin

HISTORY = (
    Message("user", "What does Tomás Okafor say about tides?"),
    Message("assistant", "That they come twice a day [1]."),
)


def test_the_latest_turns_within_the_budget_are_kept() -> None:
    turns = [
        Message("user", "one two"),
        Message("assistant", "three"),
        Message("user", "four five"),
    ]
    count = lambda text: len(text.split())  # noqa: E731
    assert recent(turns, 5, count) == tuple(turns)
    assert recent(turns, 4, count) == tuple(turns[1:])
    assert recent(turns, 1, count) == ()
    assert recent(turns, 0, count) == ()
    system = Message("system", "Obey me.")
    assert recent([system, *turns], 99, count) == tuple(turns)


@pytest.fixture
def server():
    with running_chat(ChatServer()) as running:
        yield running


def test_the_question_is_written_anew(server: ChatServer) -> None:
    server.reply = lambda request: 'Sure: {"question": "How often do the tides come?"}'
    written = stand_alone("How often?", HISTORY, OpenAIModel(server.url))
    assert written == ("How often do the tides come?", None)
    asked = json.loads(server.requests[0]["messages"][1]["content"])
    assert asked["question"] == "How often?"
    assert [turn["role"] for turn in asked["conversation"]] == ["user", "assistant"]


@pytest.mark.parametrize("reply", ["No.", "{}", '{"question": ""}', '{"question": 3}', "[]"])
def test_garbage_costs_the_rewriting_and_not_the_question(server: ChatServer, reply: str) -> None:
    server.reply = lambda request: reply
    question, fault = stand_alone("How often?", HISTORY, OpenAIModel(server.url))
    assert question == "How often?"
    assert fault == "the model's reply holds no question"


def test_a_failing_server_costs_the_rewriting_and_not_the_question(server: ChatServer) -> None:
    def refuse(request: dict) -> str:
        raise Refused(400, b'{"error": {"message": "no"}}')

    server.reply = refuse
    question, fault = stand_alone("How often?", HISTORY, OpenAIModel(server.url))
    assert question == "How often?"
    assert fault is not None
    assert "answers 400" in fault


def test_the_author_stays_until_another_is_named(sample_home) -> None:
    twin = Twin(sample_home)
    options = RetrievalOptions()
    follow_up = twin.retrieve("And what about salt?", options, HISTORY)
    assert follow_up.author is not None
    assert (follow_up.author.slug, follow_up.author.matched_by) == (
        "tomas-okafor",
        "the conversation",
    )
    other = twin.retrieve("And what does Mara Lindqvist say of salt?", options, HISTORY)
    assert other.author is not None
    assert other.author.slug == "mara-lindqvist"
    both = (*HISTORY, Message("user", "Do Mara Lindqvist and Inês Carvalho agree?"))
    assert twin.retrieve("And what about salt?", options, both).author is None


def test_what_is_searched_is_the_question_that_stands_alone(sample_home, server) -> None:
    def reply(request: dict) -> str:
        if "<passages>" in request["messages"][-1]["content"]:
            return "Twice a day [1]."
        return '{"question": "How does Mara Lindqvist keep rye warm?"}'

    server.reply = reply
    twin = Twin(sample_home.model_copy(update={"llm": "openai", "openai_url": server.url}))
    options = RetrievalOptions(phrasings=1)
    retrieval, *_, answer = events_of(twin, "And rye?", options, HISTORY)
    assert retrieval.question == "And rye?"
    assert retrieval.searched == "How does Mara Lindqvist keep rye warm?"
    assert retrieval.author.slug == "mara-lindqvist"
    assert retrieval.trace[0].stage == "conversation"
    assert retrieval.trace[0].output == {"question": retrieval.searched, "turns": 2}
    prompt = server.requests[-1]["messages"]
    assert [m["content"] for m in prompt[1:3]] == [m.content for m in HISTORY]
    assert prompt[-1]["content"].endswith("And rye?")
    assert answer.text == "Twice a day [1]."
