"""Two settings side by side in the browser."""

from accessibility import serious_violations
from driving import BROWSER, OpenTab
from playwright.sync_api import expect

from twin_assets.settings import TwinSettings
from twin_serving.catalog import open_catalog

pytestmark = BROWSER

QUESTION = "How do I know when the dough has risen enough?"


def test_two_settings_answer_side_by_side(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address, viewport={"width": 390, "height": 800})
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#twin-compare-result")).to_contain_text("Ask one question of two settings")
    page.get_by_label("Right: version or date").fill("2001-01-01")
    page.get_by_label("Question for both").fill(QUESTION)
    page.get_by_role("button", name="Compare").click()
    sides = page.locator(".side")
    sides.first.wait_for()
    expect(sides.nth(1)).to_contain_text("No index was served then")
    expect(sides.nth(0).locator(".source").first).to_be_visible()
    page.get_by_label("Right: version or date").fill("")
    page.get_by_label("Right: search", exact=True).click()
    page.get_by_role("option", name="Thorough").click()
    page.get_by_role("button", name="Compare").click()
    page.locator(".compared").wait_for()
    expect(page.locator(".compared")).to_contain_text("passages are on both sides")
    expect(sides.nth(1).locator(".source").first).to_be_visible()
    sides.nth(1).locator("a.cite").first.click()
    expect(sides.nth(1).locator(".document mark").first).to_be_in_viewport()
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_result_says_what_was_asked(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address, color_scheme="dark")
    page.get_by_role("tab", name="Compare").click()
    question, send = page.get_by_label("Question for both"), page.locator("#twin-compare-send")
    question.fill(QUESTION)
    # whether the button could be pressed at any time until there was a result
    page.evaluate(
        """() => new MutationObserver(() => {
            const asking = document.querySelector("#twin-compare-status").textContent.trim();
            const button = document.querySelector("#twin-compare-send");
            if (asking && button.disabled) window.wasDisabled = true;
        }).observe(document.body, { subtree: true, childList: true, attributes: true })"""
    )
    send.click()
    expect(page.locator("#twin-compare-status")).not_to_have_text("")  # it has been sent
    question.fill("Something else?")
    page.locator(".compared").wait_for()
    expect(page.locator("#twin-compare-result h2").first).to_have_text(QUESTION)
    expect(send).to_be_enabled()
    assert page.evaluate("window.wasDisabled")
    assert serious_violations(page) == []


def test_each_side_has_every_option_in_a_drawer_of_its_own(
    address: str, open_tab: OpenTab, sample_home: TwinSettings
) -> None:
    page = open_tab(address)
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_label("Left: candidates searched (k)")).to_be_hidden()
    page.get_by_role("button", name="Left: options of every stage").click()
    page.get_by_role("button", name="Right: options of every stage").click()
    page.get_by_label("Left: search", exact=True).click()
    page.get_by_role("option", name="Thorough").click()
    expect(page.get_by_label("Left: candidates searched (k)")).to_have_value("30")
    expect(page.get_by_label("Right: candidates searched (k)")).to_have_value("9")
    page.get_by_label("Right: passages kept (top)").fill("1")
    version = open_catalog(sample_home).store.serving("mara-lindqvist")
    page.get_by_label("Right: version or date").fill(str(version))
    assert serious_violations(page) == []
    page.get_by_label("Question for both").fill("What does Mara Lindqvist say about proofing?")
    page.get_by_role("button", name="Compare").click()
    page.locator(".compared").wait_for()
    left, right = page.locator(".side").all()
    assert left.locator(".source").count() > 1
    expect(right.locator(".source")).to_have_count(1)
    expect(right).to_contain_text(str(version))
    page.get_by_label("Left: passages kept (top)").fill("")
    page.get_by_role("button", name="Compare").click()
    expect(left.get_by_role("alert")).to_contain_text("A number among the options")
