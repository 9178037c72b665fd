"""The indexes tab over a home with a real Dagster beside it, as a reader uses it."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from accessibility import serious_violations
from app_servers import serving
from dagster_services import CUT, break_index, build_home, dagster_running, settings_of
from driving import BROWSER, OpenTab
from playwright.sync_api import Locator, Page, expect

from twin_assets.partitions import range_tags
from twin_assets.settings import TwinSettings
from twin_serving.twin import Twin

pytestmark = BROWSER

_BUILT_WITHIN = 180_000.0  # milliseconds; a run is a process that imports everything
BOB = "Bob <img src=x onerror=owned()> ${owned()} {{owned}}"


@dataclass(frozen=True)
class Site:
    """The page's address, and the twin behind it."""

    address: str
    twin: Twin

    def version(self, author: str) -> str:
        partition = self.twin.catalog.served().partition(author)
        assert partition is not None
        return partition.version


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three authors, all stale since texts are to be cut otherwise; Eve's builds will fail."""
    home = settings_of(tmp_path_factory.mktemp("indexes") / "home")
    build_home(home, {"ada": "Ada", "bob": BOB, "eve": "Eve"})
    settings = home.model_copy(update=CUT)
    break_index(settings, "eve")
    twin = Twin(settings)
    with dagster_running(settings), serving(twin) as address:
        yield Site(address, twin)


def open_indexes(page: Page) -> None:
    """Go to the tab, and wait until all of it is there."""
    page.get_by_role("tab", name="Indexes").click()
    page.locator("#twin-indexes-summary button").first.wait_for()
    page.locator("#twin-map svg").wait_for()


def row_of(page: Page, name: str) -> Locator:
    return page.locator("tr.author").filter(has_text=name)


def test_authors_are_filtered_and_hostile_names_are_only_shown(
    site: Site, open_tab: OpenTab
) -> None:
    page = open_tab(site.address)
    page.evaluate("() => { window.owned = () => { window.wasOwned = true } }")
    open_indexes(page)
    expect(page.locator("tr.author")).to_have_count(3)
    page.get_by_label("Filter authors").fill("bob")
    expect(page.locator("tr.author th")).to_contain_text([BOB])
    page.get_by_label("Filter authors").fill("nobody")
    page.get_by_role("button", name="Show all authors").click()
    expect(page.locator("tr.author")).to_have_count(3)
    expect(page.get_by_label("Filter authors")).to_have_value("")
    expect(page.locator("#twin-indexes :is(script, img, iframe, [onerror])")).to_have_count(0)
    assert page.evaluate("window.wasOwned") is None


def test_a_build_is_requested_followed_and_gone_back_from(site: Site, open_tab: OpenTab) -> None:
    page = open_tab(site.address)
    before = site.version("ada")
    open_indexes(page)
    ada, builds = row_of(page, "Ada"), page.locator("#twin-builds")
    expect(ada).to_contain_text("chunks: its code or settings changed")
    ada.get_by_role("button", name="Build Ada").click()
    expect(builds).to_contain_text("Ada: ")
    expect(ada).to_contain_text("building…")
    (run,) = site.twin.catalog.instance.get_runs(dg.RunsFilter(tags=range_tags(["ada"])))
    assert run.asset_selection == {
        dg.AssetKey(asset) for asset in ("chunks", "windows", "embeddings", "faiss_index")
    }
    page.get_by_role("button", name="Build Eve").click()

    expect(builds).to_contain_text("Ada: built. Version", timeout=_BUILT_WITHIN)
    served = site.version("ada")
    assert served != before
    expect(builds).to_contain_text(f"Version {served} is served.")
    expect(ada).to_contain_text(f"serves {served.rpartition('-')[2]}")
    expect(ada.get_by_role("button")).to_have_count(1)  # nothing is left to build
    expect(builds).to_contain_text("Eve: the build failed.", timeout=_BUILT_WITHIN)
    expect(builds).to_contain_text("The index version of eve cannot be written")

    ada.get_by_role("button").press("Enter")
    page.get_by_role("button", name=f"Serve this version {before}").press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.get_by_role("button", name="Yes, serve it").press("Enter")
    expect(page.locator("#twin-indexes-said")).to_contain_text(f"ada serves {before}")
    assert site.version("ada") == before
    expect(ada).to_contain_text("rolled back")
    expect(ada.get_by_role("button")).to_be_focused()


def test_no_click_is_lost_while_dagster_plans_a_build(site: Site, open_tab: OpenTab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a request and says nothing
        port = silent.getsockname()[1]
        twin = Twin(site.twin.settings.model_copy(update={"dagster_port": port}))
        with serving(twin) as address:
            page = open_tab(address)
            open_indexes(page)
            ada, bob, eve = (row_of(page, name) for name in ("Ada", "Bob", "Eve"))
            eve.get_by_role("button", name="Build").click()
            expect(eve).to_contain_text("building…")
            bob.get_by_role("button", name="Build").click()
            expect(bob).to_contain_text("building…")
            ada.get_by_role("button", name="Ada", exact=True).click()
            expect(page.locator("tr.details")).to_be_visible()
            expect(eve).to_contain_text("building…")
            silent.close()
            said = page.locator("#twin-indexes-said")
            expect(said).to_contain_text("Dagster's webserver does not answer.")
            expect(eve.get_by_role("button", name="Build")).to_be_visible()
            expect(bob.get_by_role("button", name="Build")).to_be_visible()
            expect(page.locator("tr.details")).to_be_visible()


def test_the_map_is_coloured_and_read_from_chunk_to_chunk(site: Site, open_tab: OpenTab) -> None:
    page = open_tab(site.address)
    open_indexes(page)
    colours = "points => new Set(points.map(point => getComputedStyle(point).fill)).size"
    points = page.locator("#twin-map .points > *")
    assert points.evaluate_all(colours) == 2  # Eve serves nothing
    page.get_by_label("category", exact=True).check()
    assert points.evaluate_all(colours) == 1
    expect(page.locator(".legend:visible")).to_contain_text("articles")
    page.locator("#twin-map svg").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#map-at")).to_contain_text("Rye – ")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#twin-map .here")).to_have_count(1)
    points.last.dispatch_event("pointerover")
    expect(points.last).to_have_class(re.compile("here"))


@pytest.mark.parametrize(
    "options",
    [{"viewport": {"width": 375, "height": 800}}, {"color_scheme": "dark"}],
    ids=["phone", "dark"],
)
def test_everybody_can_read_and_use_it(
    site: Site, open_tab: OpenTab, options: dict[str, object]
) -> None:
    page = open_tab(site.address, **options)
    open_indexes(page)
    row_of(page, "Ada").get_by_role("button", name="Ada", exact=True).click()
    page.locator("tr.details").wait_for()
    assert serious_violations(page) == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == page.evaluate("document.documentElement.clientWidth")


def test_without_authors_it_is_said_what_to_do(settings: TwinSettings, open_tab: OpenTab) -> None:
    with serving(Twin(settings)) as address:
        page = open_tab(address)
        page.get_by_role("tab", name="Indexes").click()
        expect(page.locator("#twin-indexes-table")).to_contain_text("twin import FILE.jsonl")
        expect(page.locator("#twin-map")).to_contain_text("No index is served yet")
