"""Two settings side by side in the browser."""

from accessibility import serious_violations
from driving import BROWSER, OpenTab
from playwright.sync_api import expect

pytestmark = BROWSER

QUESTION = "How do I know when the dough has risen enough?"


def test_two_settings_answer_side_by_side(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address, viewport={"width": 390, "height": 800})
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#twin-compare-result")).to_contain_text("Ask one question of two settings")
    page.get_by_label("Right: as of").fill("2001-01-01")
    page.get_by_label("Question for both").fill(QUESTION)
    page.get_by_role("button", name="Compare").click()
    sides = page.locator(".side")
    sides.first.wait_for()
    expect(sides.nth(1)).to_contain_text("No index was served then")
    expect(sides.nth(0).locator(".source").first).to_be_visible()
    page.get_by_label("Right: as of").fill("")
    page.get_by_label("Right: search").click()
    page.get_by_role("option", name="Thorough").click()
    page.get_by_role("button", name="Compare").click()
    page.locator(".compared").wait_for()
    expect(page.locator(".compared")).to_contain_text("passages are on both sides")
    expect(sides.nth(1).locator(".source").first).to_be_visible()
    sides.nth(1).locator("a.cite").first.click()
    expect(sides.nth(1).locator(".document mark").first).to_be_in_viewport()
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
