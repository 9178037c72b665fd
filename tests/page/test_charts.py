"""Charts: what is drawn is to scale, and said in words and in a table."""

import re

import pytest
from shown import HOSTILE, Page

from twin_serving.page.charts import Chart, Series, axis_top, bars_html, lines_html


def chart(*series: Series, labels: tuple[str, ...] = ("Mon", "Tue", "Wed")) -> Chart:
    return Chart("asked", "Questions", "The most on Tue.", labels, series, lambda v: f"{v:g} ms")


def bars(html: str) -> list[tuple[str, float, float, float]]:
    """Return class, left edge, upper edge and height of each bar."""
    return [
        (str(one["class"]), float(one["x"] or 0), float(one["y"] or 0), float(one["height"] or 0))
        for one in Page(html).all("rect")
    ]


def test_bars_are_to_scale_and_stand_on_each_other() -> None:
    html = bars_html(chart(Series("up", (1, 4, 0)), Series("down", (1, 0, None))))
    drawn = bars(html)
    assert [(name, y, height) for name, _, y, height in drawn] == [
        ("s0", 75.0, 25.0),
        ("s1", 50.0, 25.0),
        ("s0", 0.0, 100.0),
    ]
    assert drawn[0][1] == drawn[1][1] < drawn[2][1]


def test_a_line_breaks_where_there_is_no_value() -> None:
    html = lines_html(
        chart(
            Series("p50", (100, 200, None, 400)), Series("p95", (None,) * 4), labels=tuple("abcd")
        )
    )
    paths = [str(one["d"]) for one in Page(html).all("path") if one["class"] != "grid"]
    assert paths == ["M12.50 75.00L37.50 50.00", "M87.50 0.00L87.50 0.00"]
    lone = [str(one["d"]) for one in Page(html).all("path") if "lone" in str(one["class"])]
    assert lone == paths[1:]  # it is drawn larger


@pytest.mark.parametrize("draw", [bars_html, lines_html])
def test_nothing_to_draw_is_no_fault(draw) -> None:
    assert "<rect" not in draw(chart(Series("up", (0, None, 0))))
    assert "<table>" in draw(chart(Series("up", ()), labels=()))


@pytest.mark.parametrize("draw", [bars_html, lines_html])
def test_the_words_say_what_is_drawn(draw) -> None:
    html = draw(chart(Series("half", (1, None, 3))))
    page = Page(html)
    (svg,) = page.all("svg")
    assert svg["role"] == "img"
    named = str(svg["aria-labelledby"]).split()
    assert re.findall(r'<(?:title|desc) id="([^"]+)"', html) == named
    assert "The most on Tue." in page.text
    (details,) = page.all("details")
    assert "open" not in details
    assert re.findall(r"<th scope=\"row\">(\w+)</th><td>([^<]+)</td>", html) == [
        ("Mon", "1 ms"),
        ("Tue", "–"),
        ("Wed", "3 ms"),
    ]
    (labels,) = re.findall(r'<div class="labels"[^>]*>(.*?)</div>', html)
    assert re.findall(r"<span>(\w+)</span>", labels) == ["Mon", "Tue", "Wed"]


def test_hostile_words_are_text() -> None:
    series = Series(HOSTILE, (1,))
    html = bars_html(Chart("a", HOSTILE, HOSTILE, (HOSTILE,), (series, series), lambda v: HOSTILE))
    assert not list(Page(html).all("script")) + list(Page(html).all("img"))
    assert HOSTILE in Page(html).text


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 1), (0.0004, 0.0004), (0.3, 0.4), (1, 1), (3, 4), (7, 8), (9, 10), (10, 10), (41, 50)],
)
def test_axes_end_at_round_numbers(largest: float, top: float) -> None:
    assert axis_top(largest) == pytest.approx(top)
