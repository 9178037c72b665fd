"""What a measurement is compared with, what counts as worse, and how the history is drawn."""

import json
from base64 import b64decode
from xml.etree import ElementTree

import pytest

from twin_serving.evaluation.history import history_image, history_svg
from twin_serving.evaluation.metrics import Estimate
from twin_serving.evaluation.quality import DENSE, MRR, RECALL, Quality, baseline, regressions

SVG = "{http://www.w3.org/2000/svg}"


def quality(version: str, recall: float = 0.9, mrr: float = 0.8, day: int = 1) -> Quality:
    figures = {
        name: Estimate(value, value - 0.05, value + 0.05)
        for name, value in [
            (RECALL, recall),
            (MRR, mrr),
            (RECALL + DENSE, recall - 0.1),
            (MRR + DENSE, mrr - 0.1),
        ]
    }
    return Quality(f"2026-05-{day:02}T05:00:00+00:00", {"ada": version}, 60, figures, ("Why?",))


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  # our own


def test_it_is_judged_against_the_last_one_of_other_versions():
    good, bad, again = quality("v1", 0.9), quality("v2", 0.5), quality("v2", 0.5)
    assert baseline(again, [bad, good]) is good  # measuring it once more mends nothing
    assert baseline(quality("v3"), [again, bad, good]) is again


def test_while_there_is_one_version_its_first_measurement_counts():
    first, second = quality("v1", day=1), quality("v1", day=2)
    assert baseline(quality("v1", day=3), [second, first]) is first
    assert baseline(first, []) is None


@pytest.mark.parametrize(
    ("recall", "mrr", "worse"),
    [
        (0.9, 0.8, []),
        (0.86, 0.76, []),  # within the interval
        (0.84, 0.8, [RECALL]),
        (0.9, 0.74, [MRR]),
        (0.5, 0.5, [RECALL, MRR]),
        (1.0, 1.0, []),
    ],
)
def test_below_the_earlier_interval_is_worse(recall, mrr, worse):
    lines = regressions(quality("v2", recall, mrr), quality("v1"))
    assert [line.split(" is ")[0] for line in lines] == worse


def test_it_comes_back_from_json():
    measured = quality("v1")
    assert Quality.of_json(json.loads(json.dumps(measured.as_json()))) == measured


def test_the_history_is_drawn_point_by_point():
    measured = [quality(f"v{day}", 0.6 + day / 100, day=day) for day in range(1, 21)]
    root = parsed(history_svg(measured))
    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == 3
    assert len(root.findall(f"{SVG}circle")) == 60
    recalls = [tuple(map(float, p.split(","))) for p in lines[0].attrib["points"].split()]
    assert recalls == sorted(recalls, key=lambda point: (point[0], -point[1]))  # it rises
    words = [text.text for text in root.findall(f"{SVG}text")]
    assert {RECALL, MRR, RECALL + DENSE} <= set(words)
    assert 2 <= sum(str(word).startswith("2026-05-") for word in words) <= 6
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for line in lines:
        for x, y in (map(float, p.split(",")) for p in line.attrib["points"].split()):
            assert 0 < x < width
            assert 0 < y < height


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_perfect_or_hopeless_measurement_can_be_drawn(value):
    exact = Estimate(value, value, value)
    figures = dict.fromkeys([RECALL, MRR, RECALL + DENSE, MRR + DENSE], exact)
    image = history_image([Quality("2026-05-01", {}, 1, figures, ())])
    beginning, _, data = image.partition("base64,")
    assert beginning.endswith("(data:image/svg+xml;")
    parsed(b64decode(data.removesuffix(")")).decode())
