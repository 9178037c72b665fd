"""The Activity tab over a real audit trail: its charts, its tables, and every empty state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from accessibility import serious_violations
from app_servers import serving
from driving import BROWSER, OpenTab
from playwright.sync_api import Page, expect

from twin_assets.settings import load_settings
from twin_serving.audit import AuditEntry, Feedback, open_audit_log
from twin_serving.twin import Twin

pytestmark = BROWSER

HOSTILE = '<img src=x onerror="owned()"> ${owned()} {{owned}} <a href="javascript:owned()">x</a>'


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over a home where three questions were asked this week, and one before."""
    home = tmp_path_factory.mktemp("activity") / "home"
    settings = load_settings(home=home, _env_file=None)
    log = open_audit_log(settings)
    asked = AuditEntry(
        "q", "", "page", "Why?", stages={"search": 0.1}, seconds=0.4, provider="extractive"
    )
    for number, days_ago in enumerate((0, 1, 2, 20)):
        at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="milliseconds")
        question = HOSTILE if number == 0 else f"Question {number}?"
        log.record(replace(asked, id=f"q{number}", at=at, question=question))
    log.give_feedback("q1", Feedback("up"))
    with serving(Twin(settings)) as served:
        yield served


def open_activity(open_tab: OpenTab, address: str, **options: object) -> Page:
    page = open_tab(address, **options)
    page.evaluate("() => { window.owned = () => { window.wasOwned = true } }")
    page.get_by_role("tab", name="Activity").click()
    page.locator("#twin-activity-result > .html-container").wait_for()
    return page


def test_the_period_is_counted_and_drawn(address: str, open_tab: OpenTab) -> None:
    page = open_activity(open_tab, address)
    questions = page.locator(".figures dd").first
    expect(questions).to_have_text("4")
    expect(page.get_by_role("img", name="Questions a day")).to_be_visible()
    expect(page.locator(".chart")).to_have_count(3)
    page.get_by_label("7 days").check()
    expect(questions).to_have_text("3")
    summary = page.get_by_text("Feedback as a table")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details[open] tbody tr")).to_have_count(7)
    rows = page.locator(".latest tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text(HOSTILE)
    expect(page.locator("#twin-activity").locator("img, script, a, [onerror]")).to_have_count(0)
    assert page.evaluate("window.wasOwned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scroll_and_everybody_can_read_it(
    address: str, open_tab: OpenTab, scheme: str
) -> None:
    size = {"width": 375, "height": 800}
    page = open_activity(open_tab, address, viewport=size, color_scheme=scheme)
    expect(page.locator(".chart")).to_have_count(3)
    for table in page.get_by_text("as a table").all():
        table.click()
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 375
