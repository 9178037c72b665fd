"""What a measurement is compared with, what counts as worse, and how the history is drawn."""

import json
from base64 import b64decode
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from twin_serving.evaluation.history import history_image, history_svg
from twin_serving.evaluation.metrics import Estimate, bounded
from twin_serving.evaluation.quality import (
    CONFIRMED,
    DENSE,
    MRR,
    RECALL,
    Quality,
    baseline,
    regressions,
)

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


def confirmed(version: str, found: dict[str, float]) -> Quality:
    before = quality(version)
    figures = dict(before.figures) | {CONFIRMED: bounded(list(found.values()))}
    return replace(before, figures=figures, confirmed=found)


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


def test_confirmed_questions_are_judged_where_both_were_asked_them():
    earlier = confirmed("v1", {f"q{i}": 1.0 for i in range(8)})
    lost = confirmed("v2", {f"q{i}": float(i > 3) for i in range(8)})
    (line,) = regressions(lost, earlier)
    assert line.startswith(f"{CONFIRMED} is 0.500")
    # eight corrections since, none found yet: what was found is found still
    more = confirmed("v2", earlier.confirmed | {f"new {i}": 0.0 for i in range(8)})
    assert regressions(more, earlier) == []
    assert regressions(quality("v2"), earlier) == []
    assert regressions(lost, quality("v1")) == []


@pytest.mark.parametrize("measured", [quality("v1"), confirmed("v1", {"Why?": 0.5})])
def test_it_comes_back_from_json(measured):
    assert Quality.of_json(json.loads(json.dumps(measured.as_json()))) == measured


def test_a_measurement_from_before_people_were_asked_can_be_read():
    values = quality("v1").as_json()
    del values["confirmed"]
    assert Quality.of_json(values) == quality("v1")


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


def test_a_figure_that_came_later_is_drawn_from_then_on():
    measured = [quality("v1"), confirmed("v2", {"Why?": 1.0}), confirmed("v3", {"Why?": 0.5})]
    root = parsed(history_svg(measured))
    assert [len(line.attrib["points"].split()) for line in root.findall(f"{SVG}polyline")] == [
        3,
        3,
        2,
        3,
    ]
    assert CONFIRMED in [text.text for text in root.findall(f"{SVG}text")]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_perfect_or_hopeless_measurement_can_be_drawn(value):
    exact = Estimate(value, value, value)
    figures = dict.fromkeys([RECALL, MRR, RECALL + DENSE, MRR + DENSE], exact)
    image = history_image([Quality("2026-05-01", {}, 1, figures, ())])
    beginning, _, data = image.partition("base64,")
    assert beginning.endswith("(data:image/svg+xml;")
    parsed(b64decode(data.removesuffix(")")).decode())
