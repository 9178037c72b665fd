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
    """Ask, and wait until that is answered, or refused, and the page is ready for the next one."""
    before = page.locator("#twin-answer .answer")
    before.evaluate_all("answers => answers.forEach(one => one.classList.add('before'))")
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator("#twin-answer .answer:not(.before)").wait_for()
    page.locator("#twin-send:enabled").wait_for()
