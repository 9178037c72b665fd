"""The sensor on new raw data, ticked as the daemon ticks it."""

from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document

from twin_assets.definitions import JOB, build_definitions
from twin_assets.documents import Author
from twin_assets.partitions import (
    LAUNCHED_BY,
    RANGE_END,
    RANGE_START,
    range_tags,
    register_authors,
)
from twin_assets.raw_store import open_raw_store
from twin_assets.stores import create_store
from twin_serving.cli.launch import build


@pytest.fixture
def tick(settings, instance):
    sensor = build_definitions(settings).get_repository_def().get_sensor_def("new_raw_documents")

    def run(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"settings": settings}
        ) as context:
            return sensor(context)

    return run


@pytest.fixture
def write(settings):
    def put(author: str, text: str = "A few words about nothing in particular.") -> None:
        with closing(open_raw_store(settings)) as store:
            store.put_author(Author(author, author.title()))
            store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])

    return put


def ranges(result: dg.SensorResult) -> list[tuple[str, str]]:
    return [(r.tags[RANGE_START], r.tags[RANGE_END]) for r in result.run_requests]


def test_nothing_new_is_skipped_with_a_reason(tick):
    assert isinstance(tick(), dg.SkipReason)


def test_new_authors_become_partitions_and_one_run(tick, write):
    write("ada")
    write("bob")
    result = tick()
    (request,) = result.dynamic_partitions_requests
    assert sorted(request.partition_keys) == ["ada", "bob"]
    assert ranges(result) == [(request.partition_keys[0], request.partition_keys[-1])]
    assert isinstance(tick(result.cursor), dg.SkipReason)


def test_only_the_author_who_wrote_runs(tick, write, instance):
    for author in ("ada", "bob", "cleo"):
        write(author)
    cursor = tick().cursor
    instance.add_dynamic_partitions("author", ["ada", "bob", "cleo"])
    write("bob", "Something else altogether, and longer than before.")
    result = tick(cursor)
    assert ranges(result) == [("bob", "bob")]
    assert not result.dynamic_partitions_requests


def test_authors_who_are_not_neighbours_need_a_run_each(tick, write, instance):
    for author in ("ada", "bob", "cleo"):
        write(author)
    cursor = tick().cursor
    instance.add_dynamic_partitions("author", ["ada", "bob", "cleo"])
    write("ada", "Ada thought again and wrote this.")
    write("cleo", "Cleo thought again and wrote that.")
    assert ranges(tick(cursor)) == [("ada", "ada"), ("cleo", "cleo")]


def test_authors_that_a_failed_run_took_along_go_on_in_another(write, settings, instance):
    for author, text in (("ada", "  "), ("bob", "Bob's words."), ("cleo", "Cleo's words.")):
        write(author, text + " About bread and ovens." * bool(text.strip()))
    register_authors(instance, ["ada", "bob", "cleo"])
    definitions = build_definitions(settings)
    job = definitions.resolve_job_def(JOB)
    sensor = definitions.get_repository_def().get_sensor_def("go_on_without_the_failed")

    def run(tags: dict[str, str]) -> dg.SensorResult | dg.SkipReason:
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
        assert not result.success
        context = dg.build_run_status_sensor_context(
            "go_on_without_the_failed",
            dagster_instance=instance,
            resources={"settings": settings},
            dagster_run=result.dagster_run,
            dagster_event=next(
                e for e in result.all_events if e.event_type is dg.DagsterEventType.RUN_FAILURE
            ),
        )
        return sensor(context)

    asked = run(range_tags(["ada", "bob", "cleo"]))
    assert ranges(asked) == [("bob", "cleo")]
    tags = asked.run_requests[0].tags
    assert job.execute_in_process(instance=instance, tags=tags).success
    assert create_store("faiss", settings).authors() == ["bob", "cleo"]

    assert isinstance(run(range_tags(["ada"])), dg.SkipReason)
    own = range_tags(["ada", "bob"]) | {LAUNCHED_BY: "twin build"}
    assert isinstance(run(own), dg.SkipReason)


def test_what_a_run_that_waits_will_take_up_is_not_requested_again(tick, write, settings, instance):
    for author in ("ada", "bob", "cleo"):
        write(author)
    register_authors(instance, ["ada", "bob", "cleo"])
    definitions = build_definitions(settings)

    def request(author: str, *assets: str) -> None:
        chosen = {dg.AssetKey(asset) for asset in assets}
        instance.create_run_for_job(
            definitions.resolve_job_def(JOB).get_subset(asset_selection=chosen),
            tags=range_tags([author]),
            status=dg.DagsterRunStatus.STARTING,
            asset_selection=chosen,
        )

    request("ada", "raw_documents", "cleaned_documents")
    request("cleo", "faiss_index")  # reads no raw document
    assert ranges(tick()) == [("bob", "cleo")]


def test_what_a_build_has_taken_up_is_not_requested_again(tick, write, settings, instance):
    write("ada")
    build(settings, instance, [], lambda event: None)
    result = tick()
    assert result.run_requests == []
    assert result.cursor == "1"
