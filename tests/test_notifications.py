"""A failed run is told of: to a real server that listens, refuses or is away, and to a log."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from pydantic import SecretStr

from twin_assets import notifications
from twin_assets.errors import BadInputError
from twin_assets.notifications import (
    Failure,
    LogNotifier,
    Notice,
    Notifier,
    NotifyError,
    WebhookNotifier,
    create_notifier,
)
from twin_assets.settings import TwinSettings, load_settings

LINK = "http://127.0.0.1:3000/runs/run-1"
ADA = Failure("ada", "cleaned_documents", "No document of ada can be indexed: it is empty.")
NOTICE = Notice("end_to_end_data", LINK, [ADA])


class Receiver:
    """What a server was sent, and what it answers, one status a request and then 200."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}/hooks/secret-token"
        self.got: list[tuple[str, dict[str, object]]] = []
        self.refuse: list[int] = []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append((self.path, json.loads(body)))
            self.send_response(made.refuse.pop(0) if made.refuse else 200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(server)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "_PAUSES", (0.0, 0.0))


def test_a_notice_names_author_asset_reason_and_run(receiver: Receiver) -> None:
    WebhookNotifier(receiver.url).notify(NOTICE)
    ((path, body),) = receiver.got
    assert path == "/hooks/secret-token"
    assert body == {
        "text": f"end_to_end_data: ada failed in cleaned_documents: {ADA.reason} ({LINK})",
        "job": "end_to_end_data",
        "run": LINK,
        "count": 1,
        "failures": [{"author": "ada", "asset": "cleaned_documents", "reason": ADA.reason}],
    }


def test_of_many_failures_the_first_are_listed_and_all_are_counted(receiver: Receiver) -> None:
    WebhookNotifier(receiver.url).notify(Notice("job", LINK, [ADA] * 300))
    ((_, body),) = receiver.got
    assert body["count"] == 300
    assert len(body["failures"]) == 20  # type: ignore[arg-type]
    assert "and 299 more" in str(body["text"])


def test_a_whole_run_that_failed_has_no_author() -> None:
    text = Notice("job", LINK, [Failure("", "", "the process is gone")]).text
    assert text == f"job: it failed: the process is gone ({LINK})"


def test_a_server_that_stumbles_is_asked_again(receiver: Receiver) -> None:
    receiver.refuse = [503, 500]
    WebhookNotifier(receiver.url).notify(NOTICE)
    assert len(receiver.got) == 3


@pytest.mark.parametrize(("refuse", "attempts"), [([404], 1), ([503] * 3, 3)])
def test_a_server_that_refuses(receiver: Receiver, refuse: list[int], attempts: int) -> None:
    receiver.refuse = list(refuse)
    with pytest.raises(NotifyError, match=f"answers with status {refuse[0]}") as caught:
        WebhookNotifier(receiver.url).notify(NOTICE)
    assert "secret" not in str(caught.value)
    assert len(receiver.got) == attempts


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/secret", "http://[secret"])
def test_an_address_that_does_not_answer(url: str, unused_port: int) -> None:
    with pytest.raises(NotifyError) as caught:
        WebhookNotifier(url.format(port=unused_port)).notify(NOTICE)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_an_address_the_log_is_told(
    settings: TwinSettings, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = create_notifier(settings, logging.getLogger("twin"))
    assert isinstance(notifier, LogNotifier)
    notifier.notify(NOTICE)
    assert NOTICE.text in caplog.text


def test_the_address_is_a_secret(settings: TwinSettings) -> None:
    url = "https://chat.example/hooks/secret"
    told = settings.model_copy(update={"notify_url": SecretStr(url)})
    assert "hooks/secret" not in repr(told)
    assert isinstance(create_notifier(told, logging.getLogger("twin")), WebhookNotifier)


def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_NOTIFY_URL", "chat.example/hooks/secret")
    with pytest.raises(BadInputError, match="TWIN_NOTIFY_URL cannot be used") as caught:
        load_settings(_env_file=None)
    assert "secret" not in str(caught.value)


TOLD: list[Notice] = []


def remember(notice: Notice) -> None:
    TOLD.append(notice)


def refuse(notice: Notice) -> None:
    raise RuntimeError("secret-token")


def told_by(hook: str) -> Notifier:
    settings = load_settings(notify_hook=hook, notify_url="http://x", _env_file=None)
    return create_notifier(settings, logging.getLogger("twin"))


def test_a_function_of_one_s_own_is_told_instead() -> None:
    TOLD.clear()
    told_by(f"{__name__}:remember").notify(NOTICE)
    assert TOLD == [NOTICE]


def test_a_function_of_one_s_own_that_fails_or_is_not_there() -> None:
    with pytest.raises(NotifyError, match=r"TWIN_NOTIFY_HOOK names raised RuntimeError\.$") as told:
        told_by(f"{__name__}:refuse").notify(NOTICE)
    assert told.value.__cause__ is None
    for hook in ("nowhere:x", ".x:f"):
        with pytest.raises(BadInputError, match=r"^TWIN_NOTIFY_HOOK=\S+ cannot be imported: "):
            told_by(hook)
