"""A real page server and a real browser. Every tab fails its test on a console error, an exception
of a script, or a request to any other host."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from app_servers import serving
from driving import OpenTab
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from twin_assets.settings import TwinSettings
from twin_serving.twin import Twin

# Gradio says so of itself when it closes the stream that tells how far an upload is.
_OF_GRADIO = "Method not implemented."
_ANSWERED_WITHIN = 60_000.0  # milliseconds; the first question may wait for the model
expect.set_options(timeout=_ANSWERED_WITHIN)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium: the one that TWIN_CHROMIUM names, or the system's."""
    named = os.environ.get("TWIN_CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    executable = named or next((path for path in found if path), None)
    if executable is None:
        reason = "no Chromium on this machine: install one or set TWIN_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # the sandbox does not work in most containers, and only our own page is opened
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(sample_home: TwinSettings) -> Iterator[str]:
    """The page over the three sample authors."""
    with serving(Twin(sample_home)) as address:
        yield address


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[OpenTab]:
    """Opens a tab at an address; keywords go to the browser's context (viewport, color_scheme)."""
    faults: list[str] = []
    with ExitStack() as contexts:

        def open_one(address: str, wait_for: str = ".welcome, .notice", **options: object) -> Page:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(_ANSWERED_WITHIN)

            def on_console(message: ConsoleMessage) -> None:
                if message.type in ("error", "warning") and message.text != _OF_GRADIO:
                    faults.append(f"console: {message.text}")

            def on_request(request: Request) -> None:
                if not request.url.startswith((f"{address}/", "data:", "blob:")):
                    faults.append(f"foreign request: {request.url}")

            page.on("console", on_console)
            page.on("request", on_request)
            page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
            page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
            page.goto(address)
            page.locator(wait_for).first.wait_for()
            return page

        yield open_one
    assert faults == []
