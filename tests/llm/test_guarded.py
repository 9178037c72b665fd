"""The guard round a provider: its turn, and asking again, against a stand-in's real socket."""

import subprocess
import sys
import threading
from collections.abc import Callable

import anyio
import pytest
from asking_models import ASKED, complete, streamed
from chat_servers import BREAK_OFF, ChatServer, Refused, running_chat

from twin_assets.errors import ModelServerError, ModelServerUnavailableError
from twin_serving.llm import guarded
from twin_serving.llm.guarded import GuardedModel
from twin_serving.llm.halves import Halves
from twin_serving.llm.openai import OpenAIModel


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guarded, "_PAUSE_SECONDS", 0.01)
    with running_chat(ChatServer()) as running:
        yield running


def after(faults: int, status: int) -> Callable[[dict], str]:
    left = [None] * faults

    def reply(request: dict) -> str:
        if left:
            left.pop()
            raise Refused(status)
        return "Now."

    return reply


def model_of(server: ChatServer, at_once: int = 8) -> GuardedModel:
    return GuardedModel(OpenAIModel(server.url, timeout_seconds=10), at_once)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_three_times(server: ChatServer, status: int) -> None:
    server.reply = after(2, status)
    assert complete(model_of(server)) == "Now."
    assert len(server.requests) == 3
    server.reply = after(2, status)
    assert streamed(model_of(server))[0] == ["Now. "]
    assert len(server.requests) == 6
    server.reply = after(3, status)
    with pytest.raises(ModelServerUnavailableError):
        complete(model_of(server))
    assert len(server.requests) == 9
    server.reply = after(3, status)
    with pytest.raises(ModelServerUnavailableError):
        streamed(model_of(server))
    assert len(server.requests) == 12


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_what_will_not_pass_is_tried_once(server: ChatServer, status: int) -> None:
    server.reply = after(1, status)
    with pytest.raises(ModelServerError):
        complete(model_of(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(("llm", "library"), [("openai", "openai"), ("tgi", "huggingface_hub")])
def test_the_first_question_does_not_wait_for_an_import(llm: str, library: str) -> None:
    code = (
        "import sys\n"
        "from twin_assets.settings import load_settings\n"
        "from twin_serving.llm import create_model\n"
        f"create_model(load_settings(llm={llm!r}, {llm}_url='http://127.0.0.1:9'))\n"
        f"assert {library!r} in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_halves_of_a_character_are_joined_and_a_lone_one_is_a_question_mark(
    server: ChatServer,
) -> None:
    server.reply = lambda request: "Rye \ud83c \udf5e \ud83c\udf5e and \ud800."
    model = model_of(server)
    assert complete(model) == "Rye ? ? \U0001f35e and ?."
    assert "".join(streamed(model)[0]).strip() == "Rye ? ? \U0001f35e and ?."
    halves = Halves()
    assert [halves.feed("a\ud83c"), halves.feed("\udf5e"), halves.end()] == ["a", "\U0001f35e", ""]


def test_a_model_that_thinks_has_tokens_for_it(server: ChatServer) -> None:
    server.reply = lambda request: "Hmm.</think> Now."
    model = GuardedModel(OpenAIModel(server.url), 8, thinks=True)
    assert complete(model, max_tokens=7).strip() == "Now."
    assert "".join(streamed(model, most=50)[0]).strip() == "Now."
    assert [request["max_tokens"] for request in server.requests] == [2007, 2050]


def test_an_answer_that_has_begun_is_not_begun_again(server: ChatServer) -> None:
    server.reply = lambda request: f"one {BREAK_OFF}"
    pieces: list[str] = []
    with pytest.raises(ModelServerUnavailableError):
        streamed(model_of(server), pieces)
    assert pieces[0] == "one "
    assert len(server.requests) == 1


def test_a_server_that_wants_to_be_left_alone_for_long_is_given_up(server: ChatServer) -> None:
    server.refused_headers = {"retry-after": "60"}
    server.reply = after(1, 429)
    with pytest.raises(ModelServerUnavailableError) as caught:
        complete(model_of(server))
    assert caught.value.retry_after == 60
    assert len(server.requests) == 1


def test_only_so_many_ask_at_once(server: ChatServer) -> None:
    inside, most, lock = [0], [0], threading.Lock()
    go_on = threading.Event()

    def slow(request: dict) -> str:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        go_on.wait(0.1)  # long enough for whoever else may come
        with lock:
            inside[0] -= 1
        return "Done."

    server.reply = slow
    model = model_of(server, at_once=2)

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(lambda: model.complete(ASKED, max_tokens=5))

    anyio.run(all_at_once)
    assert most[0] == 2
    assert len(server.requests) == 6
