"""The title among those that a page gives itself."""

import pytest

from twin_assets.extraction.titles import choose_title


@pytest.mark.parametrize(
    ("declared", "page_title", "headings", "site", "expected"),
    [
        (["Growing leeks"], "Growing leeks - The Bed", ["The Bed"], "The Bed", "Growing leeks"),
        (["Growing leeks | The Bed"], None, [], "The Bed", "Growing leeks"),
        (["Growing leeks | The Bed"], None, [], "The Bed - dig it", "Growing leeks"),
        ([], "The Bed: Growing leeks", ["Growing leeks"], None, "Growing leeks"),
        ([], "Growing leeks in winter | Veg | The Bed", ["Hi!"], None,
         "Growing leeks in winter | Veg"),
        ([], "C | D", [], None, "C | D"),
        # Nothing else on the page says so: it describes the site.
        (["All the news"], "Growing leeks", ["Growing leeks"], None, "Growing leeks"),
        (["All the news"], None, [], None, "All the news"),
        ([None, "Growing leeks"], None, [], None, "Growing leeks"),
        ([], None, ["Growing leeks"], None, "Growing leeks"),
        ([], None, [], None, ""),
        ([], "Leeks & <pots> - 3", [], "", "Leeks & <pots> - 3"),
    ],
)  # fmt: skip
def test_choice(
    declared: list[str | None],
    page_title: str | None,
    headings: list[str],
    site: str | None,
    expected: str,
) -> None:
    assert choose_title(declared, page_title, headings, site) == expected
