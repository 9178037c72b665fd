"""The page over the sample authors, as a reader uses it."""

import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import quote

import pytest
from anyio import to_thread
from app_servers import serving
from driving import BROWSER, OpenTab, ask
from playwright.sync_api import Page, expect

from twin_assets.settings import TwinSettings
from twin_serving.answering import Piece, Support, Written
from twin_serving.llm import Message
from twin_serving.retrieval import Retrieval
from twin_serving.twin import Twin

pytestmark = BROWSER

BREAD = "What does Mara Lindqvist say about proofing dough in the fridge?"
# Tomás and Mara both do.
HEAT = "How do you measure heat loss?"


def test_an_answer_cites_sources_of_the_author_that_is_named(
    address: str, open_tab: OpenTab
) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    expect(page.locator(".answered-by")).to_contain_text("no language model")
    chips = page.locator("a.cite").all_inner_texts()
    assert chips
    assert set(chips) == set(page.locator(".source .number").all_inner_texts())
    for facts in page.locator(".source .facts").all_inner_texts():
        assert facts.startswith("Mara Lindqvist sample")
    expect(page.locator(".meant")).to_contain_text("Asked of Mara Lindqvist matched by full name")


def test_a_citation_opens_its_source_at_the_marked_words(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    chip = page.locator("a.cite").last
    source = page.locator(f"#source-{chip.inner_text()}")
    expect(source.locator("mark").first).to_be_hidden()
    chip.click()
    expect(source.locator("mark").first).to_be_in_viewport()
    expect(source.locator("summary")).to_be_focused()
    marked = source.locator("mark").first.inner_text()
    assert " ".join(marked.split()) in page.locator(".answer-text").inner_text()
    original = source.get_by_role("link", name="Open the original")
    expect(original).to_have_attribute("href", re.compile(r"https://mara-lindqvist\.example/.+"))
    expect(original).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert page.url.startswith(f"{address}/?q=What+does+Mara")


def test_a_citation_is_reached_and_opened_by_keyboard(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    chip = page.locator("a.cite").first
    for _ in range(12):
        page.keyboard.press("Tab")
        if chip.evaluate("chip => chip === document.activeElement"):
            break
    expect(chip).to_be_focused()
    assert chip.evaluate("chip => getComputedStyle(chip).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#source-1 .document")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#source-1 .document")).to_be_focused()  # it scrolls by keyboard


def test_the_picker_asks_one_author_only(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    ask(page, HEAT)
    authors = " ".join(page.locator(".source .facts").all_inner_texts())
    assert "Tomás Okafor" in authors
    page.get_by_label("Author", exact=True).click()
    page.get_by_role("option", name="Mara Lindqvist (25, sample)").click()
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#twin-how")).to_contain_text("the author was chosen by the asker")
    expect(page.locator(".stage.skipped .name")).to_have_text(["Author", "Phrasings"])
    for facts in page.locator(".source .facts").all_inner_texts():
        assert facts.startswith("Mara Lindqvist")


def test_a_preset_leaves_stages_out(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    page.get_by_label("Search", exact=True).click()
    page.get_by_role("option", name="Fast").click()
    ask(page, HEAT)
    expect(page.locator(".stage.skipped .name")).to_have_text(["Phrasings", "Rerank"])
    expect(page.locator(".source").first).to_be_visible()


def test_the_trace_and_the_index_lead_to_dagster(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    ask(page, BREAD)
    names = page.locator(".stage .name").all_inner_texts()
    assert names == ["Author", "Phrasings", "Search", "Rerank", "Context", "Answer"]
    asset = page.get_by_role("link", name="Asset in Dagster")
    expect(asset).to_have_attribute(
        "href",
        "http://127.0.0.1:3000/assets/faiss_index?view=partitions&partition=mara-lindqvist",
    )


@pytest.mark.parametrize(
    ("question", "line"),
    [("   ", "The question is empty."), ("why " * 2000, "the most is 4,000")],
)
def test_a_question_that_cannot_be_asked_gets_one_line(
    address: str, open_tab: OpenTab, question: str, line: str
) -> None:
    page = open_tab(address)
    ask(page, question)
    expect(page.get_by_role("alert")).to_contain_text(line)
    expect(page.locator(".source")).to_have_count(0)
    ask(page, BREAD)
    expect(page.locator(".source").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_nothing_fitting_is_said_calmly(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address)
    ask(page, "zxqv quarterly tax treaty of Liechtenstein")
    expect(page.locator(".notice")).to_contain_text("Nothing fitting was found")
    expect(page.locator(".notice-error, a.cite, .badge")).to_have_count(0)
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()


def test_the_answer_is_copied_with_its_citations(address: str, open_tab: OpenTab) -> None:
    page = open_tab(address, permissions=["clipboard-read", "clipboard-write"])
    ask(page, BREAD)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    shown = page.locator(".answer-text").inner_text()
    assert re.sub(r"\[(\d)\]", r"\1", copied) == shown
    assert len(re.findall(r"\[\d\]", copied)) == page.locator("a.cite").count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scroll(address: str, open_tab: OpenTab, scheme: str) -> None:
    page = open_tab(address, viewport={"width": 375, "height": 800}, color_scheme=scheme)
    assert _page_width(page) == 375
    ask(page, BREAD)
    for chip in page.locator("a.cite").all():
        chip.click()
    assert _page_width(page) == 375


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(
    address: str, open_tab: OpenTab, scheme: str
) -> None:
    page = open_tab(address, color_scheme=scheme)
    ask(page, BREAD)
    page.locator("a.cite").first.click()
    for selector in (
        *("#twin-header p", ".asked", ".answer-text", ".answered-by", "a.cite", ".source .title"),
        *(".source .facts", ".sample", ".passage", ".passage mark", ".origin a", ".stage .note"),
        *(
            ".stage .time",
            ".version",
            ".sources h2",
            ".links a",
            "#twin-send",
            "#twin-ask textarea",
        ),
    ):
        assert page.locator(selector).first.evaluate(_CONTRAST) >= 4.5, selector


class HeldAnswerer:
    """An answerer whose second piece waits until the test lets it go."""

    provider = "held"

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.history: Sequence[Message] = ()

    async def stream(
        self, retrieval: Retrieval, history: Sequence[Message]
    ) -> AsyncIterator[Piece | Written]:
        self.history = history
        start = retrieval.passages[0].candidate.start
        yield Piece("First piece [1].", (Support(1, start, start + 5),))
        await to_thread.run_sync(self.go_on.wait, 60)
        yield Piece(" Second piece.")
        yield Written(self.provider)


@pytest.fixture
def held(sample_home: TwinSettings) -> Iterator[tuple[str, HeldAnswerer]]:
    twin, answerer = Twin(sample_home), HeldAnswerer()
    twin.answerer = answerer
    with serving(twin) as address:
        yield address, answerer
        answerer.go_on.set()


def test_pieces_appear_as_they_come(held: tuple[str, HeldAnswerer], open_tab: OpenTab) -> None:
    address, answerer = held
    page = open_tab(address)
    page.get_by_label("Your question").fill(BREAD)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".answer-text")).to_have_text("First piece 1.")
    expect(page.locator("p[role=status]")).to_have_text("Answering…")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    page.locator("#source-1 summary").click()
    answerer.go_on.set()
    expect(page.locator(".answer-text")).to_have_text("First piece 1. Second piece.")
    expect(page.locator(".answered-by")).to_contain_text("answered by held")
    expect(page.locator("p[role=status]")).to_have_text("")
    expect(page.locator(".sources h2")).to_have_text("Sources")
    expect(page.locator("#source-1 .document")).to_be_visible()


def test_a_question_goes_before_the_one_of_the_address(
    held: tuple[str, HeldAnswerer], open_tab: OpenTab
) -> None:
    address, answerer = held
    page = open_tab(address)
    page.goto(f"{address}/?q={quote(BREAD)}")
    expect(page.locator(".answer-text")).to_have_text("First piece 1.")
    expect(page.locator("#twin-answer button")).to_have_count(0)
    page.get_by_label("Your question").fill(HEAT)
    page.keyboard.press("Enter")
    expect(page.locator(".asked")).to_have_text(HEAT, timeout=60_000)
    answerer.go_on.set()
    expect(page.locator(".answered-by")).to_contain_text("answered by held")
    expect(page.locator(".asked")).to_have_text(HEAT)
    expect(page.locator("#twin-send")).to_be_enabled()


def test_stop_keeps_what_was_said(held: tuple[str, HeldAnswerer], open_tab: OpenTab) -> None:
    address, answerer = held
    page = open_tab(address)
    page.get_by_label("Your question").fill(BREAD)
    page.keyboard.press("Enter")
    expect(page.locator(".answer-text")).to_have_text("First piece 1.")
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.locator("#twin-answer")).to_be_focused()
    expect(page.locator("p[role=status]")).to_have_text("Stopped.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    answerer.go_on.set()
    expect(page.locator(".answer-text")).to_have_text("First piece 1.")
    ask(page, "What does Mara Lindqvist say about rye?")
    expect(page.locator(".earlier")).to_contain_text("First piece [1].")
    expect(page.locator(".answered-by")).to_be_visible()
    said = Message("user", BREAD), Message("assistant", "First piece [1].")
    assert answerer.history == said
    ask(page, "")
    expect(page.get_by_role("alert")).to_contain_text("The question is empty.")


class BrokenAnswerer:
    """An answerer with a fault that nobody foresaw."""

    provider = "broken"

    async def stream(
        self, retrieval: Retrieval, history: Sequence[Message]
    ) -> AsyncIterator[Piece | Written]:
        yield Piece("First.")
        raise ZeroDivisionError("a secret detail")


def test_a_fault_is_logged_and_shown_as_one_line(
    sample_home: TwinSettings, open_tab: OpenTab, caplog: pytest.LogCaptureFixture
) -> None:
    twin = Twin(sample_home)
    twin.answerer = BrokenAnswerer()
    with serving(twin) as address:
        page = open_tab(address)
        ask(page, BREAD)
        expect(page.get_by_role("alert")).to_have_text(
            "Something went wrong; see the server's log."
        )
        assert "a secret detail" not in page.content()
        expect(page.locator(".asked")).to_have_text(BREAD)
        expect(page.locator(".answer-text")).to_have_text("First.")
        expect(page.locator(".source").first).to_be_visible()
    assert "a secret detail" in caplog.text


def test_before_anything_is_built_the_page_says_what_to_do(
    settings: TwinSettings, open_tab: OpenTab
) -> None:
    with serving(Twin(settings)) as address:
        page = open_tab(address)
        expect(page.get_by_role("alert")).to_contain_text("run `twin build`")
        ask(page, BREAD)
        expect(page.get_by_role("alert")).to_contain_text("run `twin build`")


def _page_width(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


# WCAG 2 contrast of an element's text to the nearest background behind it.
_CONTRAST = """(element) => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => rgb(color).slice(0, 3)
    .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  let behind = element;
  const see = (e) => rgb(getComputedStyle(e).backgroundColor)[3] === 0;
  while (see(behind)) behind = behind.parentElement;
  const pair = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
  const [dark, bright] = pair.map(light).sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}"""
