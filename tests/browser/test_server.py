"""gradio_app.py as it is started: its answers, its headers, and how it ends."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0  # seconds


def start(**variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "gradio_app.py"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        start(
            TWIN_HOME=str(tmp_path / "home"),
            TWIN_PAGE_PORT=str(port),
            TWIN_UPLOAD_MEGABYTES="1",
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        deadline = monotonic() + _PATIENCE
        while process.poll() is None and monotonic() < deadline:
            try:
                client.get("/healthz", timeout=_PATIENCE)
                break
            except httpx.TransportError:
                sleep(0.2)
        yield process, client
        process.kill()


def test_it_answers_with_closed_headers(
    server: tuple["subprocess.Popen[str]", httpx.Client],
) -> None:
    _, client = server
    assert client.get("/healthz").json() == {"status": "ok"}
    headers = client.get("/").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_it_takes_files_up_to_the_limit_and_keeps_none(
    server: tuple["subprocess.Popen[str]", httpx.Client], tmp_path: Path
) -> None:
    process, client = server
    for extra in (0, 1):
        file = b"a" * ((1 << 20) + extra)
        response = client.post("/gradio_api/upload", files={"files": ("a.txt", file)})
        assert response.status_code == (413 if extra else 200)
    uploads = tmp_path / "home" / "uploads"
    assert [path.name for path in uploads.rglob("a.txt")] == ["a.txt"]
    response = client.post("/gradio_api/upload", files={"files": ("a.txt", b"a" * (3 << 20))})
    assert response.status_code == 413
    assert stat.S_IMODE(uploads.stat().st_mode) == 0o700
    process.send_signal(signal.SIGINT)
    process.wait(_PATIENCE)
    assert [path for path in uploads.rglob("*") if path.is_file()] == []


@pytest.mark.browser
def test_an_open_page_does_not_keep_it_from_ending(
    server: tuple["subprocess.Popen[str]", httpx.Client], browser: Browser
) -> None:
    process, client = server
    page = browser.new_page()  # whose console may say that the server is gone
    page.goto(str(client.base_url))
    page.locator(".notice").first.wait_for()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start(TWIN_HOME=str(tmp_path / "home"), TWIN_PAGE_PORT=port) as process:
            _, errors = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 1
    assert errors.splitlines() == [
        f"The page cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Set TWIN_PAGE_PORT or TWIN_HOST."
    ]


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with start(TWIN_HOME=str(blocked), TWIN_PAGE_PORT=port) as process:
        _, errors = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
    assert f"TWIN_HOME {blocked} cannot be written" in errors


def test_starting_does_not_wait_for_torch() -> None:
    code = "import sys, gradio_app; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
