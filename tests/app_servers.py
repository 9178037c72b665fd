"""The real web application on a real socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest
import uvicorn

from twin_serving.api import create_app
from twin_serving.twin import Twin

# What the libraries behind the application warn of; for `pytestmark`.
SERVED = [
    # Dagster leaves the event loop of every run that it executes open, and the loop's sockets.
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket.*family=1:ResourceWarning"),
    # Gradio's own statistics call pandas in ways that pandas is about to drop.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

_STARTED_WITHIN = 60.0  # seconds, on a busy machine


@contextmanager
def serving(twin: Twin) -> Iterator[str]:
    """Serve the twin's page and API on a free port; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            lambda: create_app(twin),
            factory=True,  # inside the server's event loop: Gradio would leave others open
            log_level="warning",
            timeout_graceful_shutdown=1,
            ws="none",
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
