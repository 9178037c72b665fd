"""Asking the real page, for the tests of this folder."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from app_servers import SERVED
from playwright.sync_api import Page

OpenTab = Callable[..., Page]

BROWSER = [pytest.mark.browser, *SERVED]


def apart(work: Callable[[], object]) -> None:
    """Do it in another thread, as Dagster's runs want: Playwright's event loop holds this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def ask(page: Page, question: str) -> None:
    """Ask, and wait until the page is ready for the next question."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".welcome").wait_for(state="detached")
    page.locator("#twin-send:enabled").wait_for()
