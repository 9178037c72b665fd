"""What the indexes tab does over a real Dagster instance."""

import re
from collections.abc import Iterator
from uuid import uuid4

import dagster as dg
import pytest
from parsed_html import Parsed

from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.settings import TwinSettings
from twin_serving.page.indexes_view import IndexesView
from twin_serving.twin import Twin

SLUGS = [f"author-{n}" for n in range(7)]


@pytest.fixture
def twin(settings: TwinSettings) -> Iterator[Twin]:
    twin = Twin(settings)
    with twin.catalog.instance as instance:
        register_authors(instance, SLUGS)
        yield twin


def begin(twin: Twin, author: str) -> dg.DagsterRun:
    return twin.catalog.instance.add_run(
        dg.DagsterRun(
            JOB,
            run_id=str(uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags=range_tags([author]),
        )
    )


def test_more_builds_than_are_shown_keep_their_order_at_every_look(twin: Twin) -> None:
    view = IndexesView(twin)
    begun = [begin(twin, slug) for slug in SLUGS[:6]]
    runs = view.look(())
    shown = view.builds_html(runs)
    assert re.findall(r"author-\d", Parsed(shown).text) == SLUGS[2:6]
    for _ in range(3):
        runs = view.look(runs)
        assert view.builds_html(runs) == shown
    begun.append(begin(twin, SLUGS[6]))
    for run in (begun[3], begun[0]):
        twin.catalog.instance.report_run_canceled(run)
        runs = view.look(runs)
        assert [one.run_id for one in runs] == [one.run_id for one in begun]


def test_of_the_ended_builds_only_the_newest_are_kept(twin: Twin) -> None:
    view = IndexesView(twin)
    begun = [begin(twin, slug) for slug in SLUGS]
    runs = view.look(())
    for run in begun[1:]:
        twin.catalog.instance.report_run_canceled(run)
    for _ in range(2):
        runs = view.look(runs)
        assert [one.run_id for one in runs] == [run.run_id for run in [begun[0], *begun[3:]]]
