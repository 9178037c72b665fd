"""Serving the real page and asking it, for the tests of this folder."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest
import uvicorn
from playwright.sync_api import Page

from twin_serving.api import create_app
from twin_serving.twin import Twin

_STARTED_WITHIN = 60.0  # seconds, on a busy machine

OpenTab = Callable[..., Page]

BROWSER = [
    pytest.mark.browser,
    # Dagster leaves the event loop of every run that it executes open, and the loop's sockets.
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket.*family=1:ResourceWarning"),
    # Gradio's own statistics call pandas in ways that pandas is about to drop.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]


@contextmanager
def serving(twin: Twin) -> Iterator[str]:
    """Serve the twin's page on a free port; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            create_app(twin), log_level="warning", timeout_graceful_shutdown=1, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = monotonic() + _STARTED_WITHIN
            while not server.started and thread.is_alive() and monotonic() < deadline:
                sleep(0.05)
            assert server.started
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def ask(page: Page, question: str) -> None:
    """Ask, and wait until the page is ready for the next question."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".welcome").wait_for(state="detached")
    page.locator("#twin-send:enabled").wait_for()
