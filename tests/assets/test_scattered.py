"""`twin build` for authors who are no neighbours in the order of Dagster's partitions."""

from contextlib import closing

import dagster as dg
import pytest

from twin_assets.documents import Author
from twin_assets.partitions import JOB, RANGE_END, RANGE_START, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.stores import create_store
from twin_serving.overview import Overview, State

NAMES = [f"author-{number:02}" for number in range(11)]
SCATTERED = NAMES[::2]  # six, of whom each would need a run


@pytest.fixture
def written(write, build_now):
    """Authors who are all built, and of whom every other one wrote something since."""
    for name in NAMES:
        write(name, {"first": f"The first words of {name} about bread and ovens."})
    assert build_now().built == NAMES
    for name in SCATTERED:
        write(name, {"second": f"The second words of {name} about dough and salt."})
    return SCATTERED


def ranges(instance: dg.DagsterInstance, run_ids: list[str]) -> list[tuple[str, str]]:
    runs = [instance.get_run_by_id(run_id) for run_id in run_ids]
    return [(run.tags[RANGE_START], run.tags[RANGE_END]) for run in runs if run]


def test_they_share_a_run_with_those_between(written, build_now, instance):
    report = build_now()
    assert ranges(instance, report.run_ids) == [(NAMES[0], NAMES[-1])]
    assert report.built == written
    assert report.current == NAMES[1::2]
    assert report.windows_embedded == len(written)
    assert build_now().current == NAMES


def test_whoever_was_taken_along_is_not_left_as_failed(
    write, written, build_now, settings, instance
):
    write(NAMES[2], {"first": " ", "second": " "})
    report = build_now()
    assert list(report.failed) == [NAMES[2]]
    assert report.built == [name for name in written if name != NAMES[2]]
    assert report.current == NAMES[1::2]
    states = Overview(settings, instance, create_store("faiss", settings)).states()
    others = dict.fromkeys(NAMES, State.CURRENT) | {NAMES[2]: State.FAILED}
    assert states == others


def test_nobody_is_crawled_for_being_between(written, build_now, settings, instance):
    with closing(open_raw_store(settings)) as store:
        feed = "https://127.0.0.1:1/feed"  # refused, like every address that is not public
        store.put_author(Author(NAMES[5], NAMES[5].title(), sources=(feed,)))
    assert build_now(NAMES[5]).built == [NAMES[5]]
    report = build_now()
    assert NAMES[5] in report.current
    assert ranges(instance, report.run_ids) == [(NAMES[0], NAMES[4]), (NAMES[6], NAMES[10])]


def test_nor_is_anybody_taken_whom_a_run_has_in_hand(written, build_now, instance):
    started = dg.DagsterRunStatus.STARTED
    instance.add_run(dg.DagsterRun(JOB, status=started, tags=range_tags([NAMES[3]])))
    report = build_now()
    assert ranges(instance, report.run_ids) == [(NAMES[0], NAMES[2]), (NAMES[4], NAMES[10])]
    assert report.built == written


def test_whoever_is_not_built_between_is_left_alone(write, written, build_now, instance):
    write(NAMES[7], {"second": "Other words, which were not asked for."})
    report = build_now(*[name for name in NAMES if name != NAMES[7]])
    assert ranges(instance, report.run_ids) == [(NAMES[0], NAMES[6]), (NAMES[8], NAMES[10])]
