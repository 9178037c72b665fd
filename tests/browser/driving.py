"""Asking the real page, for the tests of this folder."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

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


def ask(page: Page, question: str) -> None:
    """Ask, and wait until the page is ready for the next question."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".welcome").wait_for(state="detached")
    page.locator("#twin-send:enabled").wait_for()
