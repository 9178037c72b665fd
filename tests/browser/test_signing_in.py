"""Where people sign in: nobody asks before, and the audit trail says who asked."""

from app_servers import serving
from driving import BROWSER, OpenTab, ask
from playwright.sync_api import expect
from pydantic import SecretStr

from twin_assets.settings import TwinSettings
from twin_serving.audit import AuditLog
from twin_serving.twin import Twin

pytestmark = BROWSER


def test_who_signed_in_asks(sample_home: TwinSettings, open_tab: OpenTab, tmp_path) -> None:
    guarded = {"page_users": SecretStr("ann:secret"), "api_key": SecretStr("key")}
    twin = Twin(sample_home.model_copy(update=guarded))
    twin.audit = AuditLog(tmp_path / "audit.db", 30)
    with serving(twin) as address:
        page = open_tab(address, wait_for="form, input")
        expect(page.get_by_label("Your question")).to_have_count(0)
        page.get_by_label("username").fill("ann")
        page.get_by_label("password").fill("secret")
        page.get_by_role("button", name="Login").click()
        page.locator(".welcome").wait_for()
        ask(page, "What does Mara Lindqvist say about rye?")
        expect(page.locator(".actions")).to_be_visible()
    (entry,) = twin.audit.entries()
    assert entry.through == "page: ann"
