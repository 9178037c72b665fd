"""What axe-core finds against the page as it stands."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_SERIOUS = ("serious", "critical")


def serious_violations(page: Page) -> list[str]:
    """Return a line for each serious or critical violation, with the elements it is about."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: "
        + "; ".join(node["html"] for node in violation["nodes"])
        for violation in violations
        if violation["impact"] in _SERIOUS
    ]
