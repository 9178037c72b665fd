"""What Dagster keeps of an author is removed, and nothing of the others."""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.sensor_definition import SensorType
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.asset_daemon import asset_daemon_cursor_to_instigator_serialized_cursor

from twin_assets.assets.forgetting import at_work, forget, traces
from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.provenance import latest_by_author, materializations
from twin_assets.errors import BadInputError
from twin_assets.partitions import (
    RANGE_END,
    RANGE_START,
    authors,
    range_tags,
    register_authors,
)

# The end of one is another's beginning, one has letters that are escaped where they are serialized,
# and one is named as the asset is.
ADA, ADA_B, JAPANESE, WORDS = KEYS = ["ada", "ada-b", "日本", "words"]
Run = Callable[..., str]


@author_asset(group="collect", kinds=set(), team="data", code_version="1")
def words(context: dg.AssetExecutionContext) -> dg.Output[None]:
    """Each author's words; those of an author with a tag fail."""

    def work(author: str, _: object) -> Outcome:
        context.log.info(f"read the page of {author}")
        if context.run.tags.get("fails") == author:
            raise BadInputError(f"{author} has no words.")
        return Outcome("1", {"preview": f'"{ADA}" is named by {author}'})

    return AuthorRun(context, lambda *_: False).materialize(work)


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """Materialize the asset for neighbouring authors, and return the run's id."""
    register_authors(instance, KEYS)

    def materialize(*authors: str, **tags: str) -> str:
        return dg.materialize(
            [words],
            instance=instance,
            tags={**range_tags(authors), "dagster/run_key": f"7:{authors[0]}", **tags},
            raise_on_error=False,
        ).run_id

    return materialize


def tags(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.tags == instance.get_runs(dg.RunsFilter(run_ids=[run_id]))[0].tags
    return [run.tags[key] for key in (RANGE_START, RANGE_END, "dagster/run_key")]


@pytest.mark.parametrize("author", KEYS)
def test_one_goes_and_the_others_stay(instance: dg.DagsterInstance, run: Run, author: str) -> None:
    run(*KEYS)
    alone = {key: run(key) for key in KEYS}
    made = {key: materializations(instance, "words", key, limit=9) for key in KEYS}
    assert all(traces(instance, key) for key in KEYS)

    for _ in range(2):
        forget(instance, author)
        assert traces(instance, author) == 0
    others = [key for key in KEYS if key != author]
    assert instance.get_dynamic_partitions("author") == others
    assert latest_by_author(instance, "words") == {key: made[key][0] for key in others}
    for key in others:
        assert materializations(instance, "words", key, limit=9) == made[key]
    assert [key for key, run_id in alone.items() if instance.has_run(run_id)] == others


def test_ranges_begin_and_end_with_who_is_left(instance: dg.DagsterInstance, run: Run) -> None:
    run_id = run(*KEYS)
    forget(instance, ADA)
    assert tags(instance, run_id) == [ADA_B, WORDS, f"7:{ADA_B}"]
    forget(instance, JAPANESE)
    assert tags(instance, run_id) == [ADA_B, WORDS, f"7:{ADA_B}"]
    forget(instance, WORDS)
    assert tags(instance, run_id) == [ADA_B, ADA_B, f"7:{ADA_B}"]
    assert instance.get_records_for_run(run_id).records
    forget(instance, ADA_B)
    assert not instance.has_run(run_id)


@pytest.mark.postgres_too
@pytest.mark.parametrize("author", KEYS)
def test_failures_and_log_lines_go_with_the_author(
    instance: dg.DagsterInstance, run: Run, author: str
) -> None:
    run_id = run(*KEYS, fails=author)
    forget(instance, author)
    entries = instance.all_logs(run_id)
    said = [f"{entry.user_message} {entry.dagster_event}" for entry in entries]
    assert not [line for line in said if f"read the page of {author}" in line]
    assert not [line for line in said if f"{author} has no words" in line]
    assert {e.dagster_event.partition for e in entries if e.dagster_event} >= set(KEYS) - {author}


def test_runs_of_others_keep_their_log(instance: dg.DagsterInstance, run: Run) -> None:
    run_id = run(ADA_B)
    before = instance.all_logs(run_id)
    run(ADA)
    forget(instance, ADA)
    assert instance.all_logs(run_id) == before


def test_ticks_and_backfills_that_name_the_author_go(
    instance: dg.DagsterInstance, run: Run
) -> None:
    location = RegisteredCodeLocationOrigin("twin")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "repository"), "sensor")
    data = SensorInstigatorData(last_run_key=f"7:{JAPANESE}", cursor="7")
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data)
    instance.add_instigator_state(state)
    for key in KEYS:
        instance.create_tick(
            TickData(
                state.instigator_origin_id,
                "sensor",
                InstigatorType.SENSOR,
                TickStatus.SUCCESS,
                timestamp=1.0,
                run_ids=[],
                run_keys=[f"7:{key}"],
                selector_id=state.selector_id,
            )
        )
        instance.add_backfill(
            PartitionBackfill(
                backfill_id=f"of-{key}",
                status=BulkActionStatus.COMPLETED_SUCCESS,
                from_failure=False,
                tags={},
                backfill_timestamp=1.0,
                partition_names=[key],
            )
        )
    forget(instance, JAPANESE)
    assert traces(instance, JAPANESE) == 0
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    others = {ADA, ADA_B, WORDS}
    assert {key for tick in ticks for key in tick.run_keys} == {f"7:{key}" for key in others}
    assert {b.backfill_id for b in instance.get_backfills()} == {f"of-{key}" for key in others}
    (kept,) = instance.all_instigator_state()
    assert kept.instigator_data == data._replace(last_run_key="7:")


@pytest.mark.postgres_too
@pytest.mark.parametrize("author", [ADA, JAPANESE])
def test_what_the_automation_remembers_of_the_author_goes(
    instance: dg.DagsterInstance, run: Run, author: str
) -> None:
    run(*KEYS)

    @dg.asset(
        deps=[words],
        partitions_def=authors,
        automation_condition=dg.AutomationCondition.missing(),
    )
    def lines() -> None: ...

    register_authors(instance, KEYS)
    assets = [words, lines]
    tick = dg.evaluate_automation_conditions(
        assets, instance, asset_selection=dg.AssetSelection.assets(lines)
    )
    assert tick.get_requested_partitions(lines.key) == set(KEYS)
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("twin"), "repository"), "automation"
    )
    data = SensorInstigatorData(
        cursor=asset_daemon_cursor_to_instigator_serialized_cursor(tick.cursor),
        sensor_type=SensorType.AUTO_MATERIALIZE,
    )
    instance.add_instigator_state(
        InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data)
    )
    evaluations = [result.serializable_evaluation for result in tick.results]
    with partition_loading_context(datetime.now(UTC), dynamic_partitions_store=instance):
        instance.schedule_storage.add_auto_materialize_asset_evaluations(
            1, [evaluation.with_run_ids(frozenset()) for evaluation in evaluations]
        )
    forget(instance, author)
    assert traces(instance, author) == 0
    # a cursor holds ranges, whose ends alone are named
    (kept,) = instance.all_instigator_state()
    assert (kept.instigator_data.cursor is None) is (author == ADA)


def test_what_is_not_at_its_end_is_named(instance: dg.DagsterInstance, run: Run) -> None:
    run(*KEYS)
    assert at_work(instance, ADA) == []
    started = dg.DagsterRun(
        job_name="job", status=dg.DagsterRunStatus.STARTED, tags=range_tags([ADA, ADA_B])
    )
    instance.add_run(started)
    instance.add_backfill(
        PartitionBackfill(
            backfill_id="going",
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=1.0,
            partition_names=[ADA],
        )
    )
    assert at_work(instance, ADA) == [started.run_id, "going"]
    assert at_work(instance, JAPANESE) == []
