"""Where people sign in: nobody asks before, and it is kept who asked or rolled back."""

from pathlib import Path

import dagster as dg
from accessibility import serious_violations
from app_servers import serving
from dagster_services import CUT, build_home, settings_of
from driving import BROWSER, OpenTab, apart, ask
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from twin_assets.settings import TwinSettings
from twin_serving.audit import AuditLog
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build
from twin_serving.twin import Twin

pytestmark = BROWSER


GUARDED = {"page_users": SecretStr("ann:secret"), "api_key": SecretStr("key")}


def sign_in(page: Page) -> None:
    page.get_by_label("username").fill("ann")
    page.get_by_label("password").fill("secret")
    page.get_by_role("button", name="Login").click()
    page.locator(".welcome").wait_for()


def test_who_signed_in_asks(sample_home: TwinSettings, open_tab: OpenTab, tmp_path) -> None:
    twin = Twin(sample_home.model_copy(update=GUARDED))
    twin.audit = AuditLog(tmp_path / "audit.db", 30)
    with serving(twin) as address:
        page = open_tab(address, wait_for="form, input")
        expect(page.get_by_label("Your question")).to_have_count(0)
        untitled = "document-title"  # as Gradio makes its form
        assert [v for v in serious_violations(page) if not v.startswith(untitled)] == []
        sign_in(page)
        ask(page, "What does Mara Lindqvist say about rye?")
        expect(page.locator(".actions")).to_be_visible()
        expect(page.locator("#twin-who")).to_contain_text("Signed in as ann")
        assert serious_violations(page) == []
        page.get_by_role("link", name="Sign out").click()
        expect(page.get_by_label("password")).to_be_visible()
        page.goto(address)
        expect(page.get_by_label("password")).to_be_visible()
    (entry,) = twin.audit.entries()
    assert entry.through == "page: ann"


def test_dagster_says_who_signed_in_and_rolled_back(open_tab: OpenTab, tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")

    def build_twice() -> None:
        build_home(settings, {"ada": "Ada"})
        with open_instance(settings) as instance:
            newer = settings.model_copy(update=CUT)
            assert build(newer, instance, ["ada"], lambda event: None).built == ["ada"]

    apart(build_twice)
    twin = Twin(settings.model_copy(update=GUARDED))
    newest, first = (manifest.version for manifest in twin.catalog.store.versions("ada"))
    with twin.catalog.instance as instance, serving(twin) as address:
        page = open_tab(address, wait_for="form, input")
        sign_in(page)
        page.get_by_role("tab", name="Indexes").click()
        page.get_by_role("button", name="Ada", exact=True).click()
        page.get_by_role("button", name=f"Serve this version {first}").click()
        page.get_by_role("button", name="Yes, serve it").click()
        expect(page.locator("#twin-indexes-said")).to_contain_text(f"ada serves {first}")
        (record,) = instance.fetch_observations(dg.AssetKey("faiss_index"), limit=1).records
    observation = record.event_log_entry.asset_observation
    assert observation is not None
    assert observation.description == f"{first} is served, chosen by ann."
    assert {name: value.value for name, value in observation.metadata.items()} == {
        "serves": first,
        "before": newest,
        "by": "ann",
    }
