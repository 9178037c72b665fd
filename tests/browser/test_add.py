"""Adding authors on the page: what would come of it, what is stored, and that it can be asked."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import time

import dagster as dg
import pytest
from accessibility import serious_violations
from app_servers import serving
from dagster._daemon.types import DaemonHeartbeat
from dagster_services import settings_of
from driving import BROWSER, OpenTab, apart, ask
from medium_files import page as story
from medium_files import section
from playwright.sync_api import Page, expect
from zip_builder import zip_of

from twin_assets.partitions import range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build
from twin_serving.cli.services import UI, Running
from twin_serving.daemon import QUEUE
from twin_serving.twin import Twin

pytestmark = BROWSER

NAME = "Ada Quillfeather"
RYE = {
    "author": NAME,
    "platform": "blog",
    "category": "article",
    "link": "https://ada.example/rye",
    "title": "Rye",
    "text": "Rye dough wants a sour starter, because acid keeps its starch whole.",
}
KETTLES = "<p>A copper kettle sings before it boils, because its floor is thin.</p>"
HOSTILE = '<img src=x onerror="owned()"> ${owned()} {{owned}}'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TwinSettings:
    """An empty home."""
    return load_settings(home=tmp_path_factory.mktemp("adding") / "home", _env_file=None)


@pytest.fixture(scope="module")
def empty_address(home: TwinSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("arriving")))
        with serving(Twin(home)) as address:
            yield address


def open_add(open_tab: OpenTab, address: str, **options: object) -> Page:
    page = open_tab(address, **options)
    page.get_by_role("tab", name="Add").click()
    return page


def choose(page: Page, file: Path) -> None:
    page.locator("#twin-upload input[type=file]").set_input_files(file)
    expect(page.locator("#twin-upload")).to_contain_text(file.suffix)


def stored(settings: TwinSettings) -> dict[str, int]:
    """Return how many documents each author has."""
    with closing(open_raw_store(settings)) as store:
        return {one.name: sum(store.count(one.slug).values()) for one in store.authors()}


def build_all(settings: TwinSettings) -> None:
    """Build as Dagster's daemon would."""

    def run() -> None:
        with open_instance(settings) as instance:
            assert not build(settings, instance, [], lambda event: None).failed

    apart(run)


def test_what_is_added_is_checked_stored_built_and_asked(
    empty_address: str, home: TwinSettings, open_tab: OpenTab, tmp_path: Path
) -> None:
    page = open_add(open_tab, empty_address)
    report, progress = page.locator("#twin-add-report"), page.locator("#twin-add-progress")
    lines = tmp_path / "documents.jsonl"
    lines.write_text(f"{json.dumps(RYE)}\n{{not JSON\n", encoding="utf-8")
    choose(page, lines)
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("1 article")
    expect(report).to_contain_text(f"By {NAME}")
    expect(report).to_contain_text("line 2: not JSON")
    assert stored(home) == {}

    page.get_by_role("button", name="Add", exact=True).click()
    expect(report).to_contain_text("1 new, 0 changed")
    expect(progress).to_contain_text("run twin build")
    assert stored(home) == {NAME: 1}

    page.get_by_label("Author's full name").fill("Bob")
    page.get_by_label("Links").fill("ftp://bob.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#twin-add-status")).to_have_text("Nothing was stored.")
    expect(progress).to_contain_text("run twin build")  # of whom was added before
    page.get_by_label("Links").fill("")

    archive = zip_of(
        tmp_path / "medium export.zip",
        {
            "posts/2024-03-05_On-kettles-0123456789ab.html": story(section(KETTLES), author=NAME),
            "posts/draft_Secret-0123456789ac.html": story(section("<p>Not ready.</p>")),
        },
    )
    page.get_by_label("Author's full name").fill(NAME)
    page.get_by_label("Other names").fill("Countess Q, A. Q.")
    choose(page, archive)
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("export archive of Medium")
    expect(report).to_contain_text("left out: drafts (1)")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(report.get_by_role("heading", name="Stored", exact=True)).to_be_visible()
    with closing(open_raw_store(home)) as store:
        (author,) = store.authors()
    assert author.aliases == ("Countess Q", "A. Q.")
    (kept,) = (home.uploads_path / author.slug).rglob("*.zip")
    assert author.sources == (str(kept),)
    assert kept.read_bytes() == archive.read_bytes()

    expect(progress.locator(".steps .ahead")).to_have_count(6)
    build_all(home)
    expect(progress).to_contain_text("Can be asked now.")
    expect(progress.locator(".steps .done")).to_have_count(6)
    assert serious_violations(page) == []

    page.get_by_role("tab", name="Ask").click()
    expect(page.locator(".welcome")).to_contain_text(NAME)
    ask(page, "Why does a copper kettle sing?")
    expect(page.locator(".source .title").first).to_have_text("On kettles")
    page.get_by_role("tab", name="Add").click()
    progress.get_by_role("button", name=f"Ask about {NAME}").click()
    expect(page.get_by_label("Author", exact=True)).to_have_value(f"{NAME} (2)")
    expect(page.locator(".source .title").first).to_have_text("On kettles")


def test_what_is_added_is_requested_of_dagster_at_once(open_tab: OpenTab, tmp_path: Path) -> None:
    """Without the daemon, whose sensor would come round to it."""
    settings = settings_of(tmp_path / "home")
    lines = tmp_path / "documents.jsonl"
    lines.write_text(json.dumps(RYE), encoding="utf-8")
    twin = Twin(settings)
    with (
        twin.catalog.instance as instance,
        Running(settings) as running,
        serving(twin) as address,
    ):
        running.start(lambda service: None, [UI])
        page = open_add(open_tab, address, wait_for="#twin-tabs")
        choose(page, lines)
        page.get_by_role("button", name="Add", exact=True).click()
        progress = page.locator("#twin-add-progress")
        expect(progress.get_by_role("link", name="Run in Dagster")).to_be_visible()
        expect(progress).to_contain_text("Dagster's daemon does not run here")
        instance.add_daemon_heartbeat(DaemonHeartbeat(time(), QUEUE, "daemon", []))
        expect(progress).to_contain_text("Dagster has it in its queue.")
        page.close()  # it would go on asking how far the build is
        (run,) = instance.get_runs()
    assert run.tags.items() >= range_tags(["ada-quillfeather"]).items()
    assert run.asset_selection is not None
    assert dg.AssetKey("raw_documents") in run.asset_selection


def test_what_cannot_be_used_is_said_and_nothing_is_stored(
    empty_address: str, home: TwinSettings, open_tab: OpenTab, tmp_path: Path
) -> None:
    page = open_add(open_tab, empty_address)
    page.evaluate("() => { window.owned = () => { window.wasOwned = true } }")
    report = page.locator("#twin-add-report")
    before = stored(home)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(report.get_by_role("alert")).to_have_text(
        "There is nothing to add yet: give a link, or choose a file."
    )
    page.get_by_label("Author's full name").fill(f"Eve {HOSTILE}")
    page.get_by_label("Links").fill(
        f"/etc/passwd\njavascript:owned()\nhttps://eve:hunter2@eve.example/\n"
        f"https://eve.example/{HOSTILE}"
    )
    hostile = zip_of(tmp_path / "onerror=owned() .zip", {f"{HOSTILE}.txt": "words"})
    choose(page, hostile)
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("'/etc/passwd' is no web link")
    expect(report).to_contain_text("'javascript:owned()' is no web link")
    expect(report).to_contain_text("leave it out")
    expect(report).to_contain_text(f"https://eve.example/{HOSTILE}")
    expect(report).to_contain_text("nothing in it is read")
    expect(report).not_to_contain_text("hunter2")
    assert serious_violations(page) == []
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#twin-add-status")).to_have_text("Nothing was stored.")
    assert stored(home) == before
    expect(report.locator("img, script, svg, [onerror]")).to_have_count(0)
    assert page.evaluate("window.wasOwned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scroll_and_everybody_can_read_it(
    empty_address: str, open_tab: OpenTab, scheme: str
) -> None:
    page = open_add(
        open_tab, empty_address, viewport={"width": 375, "height": 800}, color_scheme=scheme
    )
    page.get_by_label("Author's full name").fill("Ada")
    page.get_by_label("Links").fill("https://ada.example/" + "a" * 300)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#twin-add-report")).to_contain_text("web page, blog or feed")
    assert serious_violations(page) == []
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#twin-add-progress")).to_contain_text("run twin build")
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 375
