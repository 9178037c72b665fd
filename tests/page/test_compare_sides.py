"""What a side of Compare asks with: the options of its drawer, or one line that says why not."""

import anyio
import pytest
from app_servers import SERVED

from twin_assets.settings import TwinSettings
from twin_serving.page.compare import Setting, Side, ask_side
from twin_serving.page.options import option_values
from twin_serving.twin import Twin
from twin_serving.variants import Variants

pytestmark = SERVED


@pytest.fixture(scope="module")
def variants(sample_home: TwinSettings) -> Variants:
    return Variants(Twin(sample_home))


def asked(variants: Variants, *values: object, versions: str = "") -> Side:
    side = Side()
    setting = Setting.of("faiss", versions, True, *values)
    anyio.run(ask_side, variants, "When does a rye starter peak?", setting, side, None)
    return side


def test_a_side_is_asked_with_what_its_drawer_says(variants: Variants) -> None:
    side = asked(variants, 6, 1, 1, "bm25", "off", False)
    assert side.answer is not None
    trace = {entry.stage: entry for entry in side.answer.trace}
    assert len(trace["search"].output["candidates"]) == 6
    assert (trace["search"].output["by"], trace["rerank"].skipped) == ("bm25", True)
    assert len(side.answer.retrieval.passages) == 1


@pytest.mark.parametrize(
    ("values", "versions", "line"),
    [
        ([9, None, 1, "hybrid", "auto", True], "", "A number among the options"),
        (option_values("fast"), "yesterday", "'yesterday' is neither an ISO 8601 date"),
    ],
)
def test_what_a_side_cannot_be_asked_with_is_one_line(
    variants: Variants, values: list[object], versions: str, line: str
) -> None:
    side = asked(variants, *values, versions=versions)
    assert side.answer is None
    assert line in side.fault
