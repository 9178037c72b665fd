"""A conversation on the page: follow-ups, corrections, votes, links, and the way to an answer."""

import re

import pytest
from accessibility import serious_violations
from driving import BROWSER, OpenTab, ask
from playwright.sync_api import Page, expect

from twin_assets.settings import TwinSettings
from twin_serving.audit import Feedback, open_audit_log

pytestmark = BROWSER

BREAD = "What does Mara Lindqvist say about proofing dough in the fridge?"


def answered(page: Page, question: str) -> None:
    """Wait until this question is answered, and the page is ready for another."""
    expect(page.locator(".asked")).to_have_text(question)
    expect(page.locator(".actions")).to_be_visible()
    expect(page.locator("#twin-send")).to_be_enabled()


def test_a_follow_up_is_asked_of_the_same_author_until_told_otherwise(
    address: str, open_tab: OpenTab
) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    answered(page, BREAD)
    expect(page.get_by_label("Your question")).to_have_value("")
    ask(page, "How long does it take?")
    answered(page, "How long does it take?")
    expect(page.locator(".meant")).to_contain_text("Mara Lindqvist matched by the conversation")
    expect(page.locator(".earlier")).to_contain_text(BREAD)

    page.get_by_role("button", name="Ask everyone instead").click()
    expect(page.locator(".meant")).to_contain_text("everyone")
    answered(page, "How long does it take?")
    expect(page.get_by_label("Author", exact=True)).to_have_value("Everyone")
    expect(page.locator(".earlier li")).to_have_count(1)

    expect(page).to_have_url(re.compile(r"author=(\*|%2A)"))
    linked = open_tab(address)
    linked.goto(page.url)
    expect(linked.locator(".meant")).to_contain_text("everyone chosen")
    expect(linked.get_by_label("Author", exact=True)).to_have_value("Everyone")

    page.get_by_role("button", name="Ask again").press("Enter")
    expect(page.locator("#twin-answer")).to_be_focused()
    answered(page, "How long does it take?")
    page.get_by_role("button", name="New conversation").press("Enter")
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(page.locator(".earlier, .actions, .source, .stage")).to_have_count(0)


def test_an_example_asks_itself_and_opens_by_its_address(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    example = page.locator(".examples button").nth(1)
    question = example.inner_text()
    example.click()
    answered(page, question)
    assert "Mara Lindqvist" in question
    link = page.url
    assert link != f"{address}/"

    other = open_tab(address)
    other.goto(f"{link}&author=tomas-okafor")
    expect(other.locator(".asked")).to_have_text(question)
    expect(other.locator(".meant")).to_contain_text("Tomás Okafor chosen")
    other.goto(f"{address}/?q=Why?&author=nobody")
    expect(other.locator(".meant")).to_contain_text("everyone")


def test_a_vote_and_the_right_source_reach_the_audit_trail(
    address: str, open_tab: OpenTab, sample_home: TwinSettings
) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    answered(page, BREAD)
    page.get_by_role("button", name="Not helpful").click()
    expect(page.locator("p[role=status]")).to_have_text("Thank you. It is kept in the audit trail.")
    expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("What is good, wrong or missing?").fill("Too short")
    assert serious_violations(page) == []
    page.get_by_label("Link that should have been cited").fill("https://mara-lindqvist.example/x")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_role("button", name="Not helpful")).to_be_focused()
    expect(page.get_by_label("Link that should have been cited")).to_be_hidden()
    entry = next(iter(open_audit_log(sample_home).entries(judged=True)))
    assert entry.question == BREAD
    assert entry.feedback == Feedback("down", "Too short", "https://mara-lindqvist.example/x")
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.get_by_label("What is good, wrong or missing?")).to_have_value("Too short")
    entry = next(iter(open_audit_log(sample_home).entries(judged=True)))
    assert entry.feedback == Feedback("up", "Too short", "https://mara-lindqvist.example/x")
    ask(page, BREAD)
    answered(page, BREAD)
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.get_by_label("What is good, wrong or missing?")).to_have_value("")


def test_the_drawer_follows_the_preset_and_is_asked_with(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    page.get_by_role("button", name="Options of every stage").click()
    page.get_by_label("Search", exact=True).click()
    page.get_by_role("option", name="Thorough").click()
    expect(page.get_by_label("Candidates searched (k)")).to_have_value("30")
    page.get_by_label("Candidates searched (k)").fill("6")
    page.get_by_label("Passages kept (top)").fill("1")
    page.get_by_label("Rerank by").click()
    page.get_by_role("option", name="off").click()
    ask(page, BREAD)
    answered(page, BREAD)
    expect(page.locator("#twin-how")).to_contain_text("candidates 6")
    expect(page.locator(".stage.skipped .name")).to_have_text(["Phrasings", "Rerank"])
    expect(page.locator(".source")).to_have_count(1)


def test_a_missing_option_leaves_the_answer_as_it_is(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    answered(page, BREAD)
    before = page.locator("#twin-answer").inner_html()
    page.get_by_role("button", name="Options of every stage").click()
    top = page.get_by_label("Passages kept (top)")
    expect(top).to_have_value("3")  # the drawer is filled as it opens
    top.fill("")
    page.get_by_label("Your question").fill("And rye?")
    expect(top).to_have_value("")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#twin-status").get_by_role("alert")).to_contain_text("A number among")
    expect(page.get_by_label("Your question")).to_have_value("And rye?")
    assert page.locator("#twin-answer").inner_html() == before
    assert serious_violations(page) == []
    page.get_by_label("Passages kept (top)").fill("1")
    ask(page, "And rye?")
    answered(page, "And rye?")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_way_to_the_answer_is_a_picture(
    address: str, open_tab: OpenTab, sample_home: TwinSettings, width: int, scheme: str
) -> None:
    page = open_tab(address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert serious_violations(page) == []
    page.get_by_role("tab", name="Why").click()
    expect(page.locator(".why .notice")).to_contain_text("Ask something first")
    page.get_by_role("tab", name="Ask").click()
    ask(page, BREAD)
    answered(page, BREAD)
    page.locator("a.cite").first.click()
    assert serious_violations(page) == []
    page.get_by_role("button", name="Why this answer").click()
    why = page.locator(".why")
    expect(why.locator("h2")).to_have_text(BREAD)
    expect(why.locator("svg")).to_have_count(2)
    expect(why.locator("g.cited text.title").first).to_be_visible()
    cited = page.locator(".why .cited-list .number").all_inner_texts()
    assert cited
    entry = next(iter(open_audit_log(sample_home).entries()))
    expect(why.locator(".origins > .note")).to_have_text(f"answer {entry.id}")
    expect(why.get_by_role("link", name="raw_documents")).to_have_attribute(
        "href",
        "http://127.0.0.1:3000/assets/raw_documents?view=partitions&partition=mara-lindqvist",
    )
    expect(why.get_by_role("link", name=re.compile("^run ")).first).to_have_attribute(
        "href", re.compile(r"http://127\.0\.0\.1:3000/runs/[0-9a-f-]{36}")
    )
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
