"""Plots: valid, small, and with every point inside; words of others cannot leave their place."""

import re
from urllib.parse import unquote
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from builders import unit_vectors

from twin_assets.plots import bars, histogram, image, scatter


def drawn(svg: str) -> Element:
    assert len(image(svg, "the plot of an author's data")) < 1000  # else the UI hides it
    return fromstring(svg)  # noqa: S314  # we made it


def words(root: Element) -> list[str]:
    return [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_histogram_has_a_bar_for_each_size_there_is():
    root = drawn(histogram([10, 12, 250, 254, 253, 255], "tokens"))
    path = root.find("{http://www.w3.org/2000/svg}path").get("d")
    assert path.count("z") == 2
    assert words(root) == ["0", "255 tokens", "4 at most"]


@pytest.mark.parametrize("values", [[], [0], [7], range(1500)])
def test_a_histogram_of_hardly_anything_and_of_everything(values):
    drawn(histogram(values, "tokens"))


@pytest.mark.parametrize("count", [1, 2, 3, 60, 61, 5000])
def test_a_map_has_its_points_inside(count):
    root = drawn(scatter(unit_vectors(count, dimension=16)))
    path = root.find("{http://www.w3.org/2000/svg}path").get("d")
    points = [tuple(map(int, p)) for p in re.findall(r"M(-?\d+),(-?\d+)h0", path)]
    assert 1 <= len(points) <= 60
    assert all(0 <= x <= 360 and 0 <= y <= 140 for x, y in points)
    assert f"of {count} windows" in words(root)[0]


def test_a_map_tells_two_groups_apart():
    vectors = unit_vectors(40, dimension=16) * np.float32(0.05)
    vectors[:20, 0] += 1
    vectors[20:, 1] += 1
    path = drawn(scatter(vectors)).find("{http://www.w3.org/2000/svg}path").get("d")
    xs = [int(x) for x in re.findall(r"M(-?\d+),", path)]
    assert max(xs[:20]) < min(xs[20:]) or max(xs[20:]) < min(xs[:20])


def test_an_author_without_a_window_has_an_empty_map():
    assert words(drawn(scatter(np.empty((0, 8), np.float32))))[0].startswith("0 of 0 windows")


def test_vectors_that_are_all_the_same():
    drawn(scatter(np.ones((5, 8), np.float32)))


def test_bars_have_names_and_the_least_that_is_wanted():
    root = drawn(bars({"post": 0.99, "<script>": 0.5}, 0.95))
    assert words(root) == ["post 0.990", "<script> 0.500", "at least 0.95"]


def test_an_image_is_markdown():
    svg = bars({"post (all) #1": 0.99, 'a "quoted" & <b>': 1}, 0.95)
    markdown = image(svg, "words")
    address = re.fullmatch(r"!\[words\]\((data:image/svg\+xml,[^\s()<>\"#&]+)\)", markdown)
    assert unquote(address[1].partition(",")[2]) == svg
