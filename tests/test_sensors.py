"""The sensor on new raw data, ticked as the daemon ticks it."""

import json
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from uuid import uuid4

import dagster as dg
import pytest
from builders import raw_document
from pydantic import SecretStr

from twin_assets import notifications
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.partitions import (
    JOB,
    LAUNCHED_BY,
    RANGE_END,
    RANGE_START,
    range_tags,
    register_authors,
)
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store
from twin_serving.cli.launch import build


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "_PAUSES", (0.0, 0.0))


@pytest.fixture
def tick(settings, instance):
    sensor = build_definitions(settings).get_repository_def().get_sensor_def("new_raw_documents")

    def run(
        cursor: str | None = None, settings: TwinSettings = settings
    ) -> dg.SensorResult | dg.SkipReason:
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


def test_many_who_are_no_neighbours_share_runs_with_those_between(tick, write, settings, instance):
    names = [f"author-{number:02}" for number in range(12)]
    for name in names:
        write(name)
    register_authors(instance, names)
    built = [name for name in names if name != names[7]]  # a run would have work with her
    assert build(settings, instance, built, lambda event: None).built == built
    with closing(open_raw_store(settings)) as store:  # of this one, a run would crawl what is there
        store.put_author(Author(names[9], names[9], sources=("https://example.com/feed",)))
        cursor = str(max(store.changed_since(0).values()))
    started = dg.DagsterRunStatus.STARTED  # and this one is in the hands of another job
    instance.add_run(dg.DagsterRun("another", status=started, tags=range_tags([names[3]])))
    for name in names[::2]:
        write(name, "Other words than before, and more of them.")
    shared = [(names[0], names[2]), (names[4], names[6])]
    assert ranges(tick(cursor)) == [*shared, (names[8], names[8]), (names[10], names[10])]


def test_of_many_who_can_share_no_run_a_tick_requests_some_and_the_next_the_rest(
    tick, write, settings, instance
):
    names = [f"author-{number:02}" for number in range(12)]
    for name in names:
        write(name)
    register_authors(instance, names)
    with closing(open_raw_store(settings)) as store:  # a run would crawl whomever it takes along
        for name in names:
            store.put_author(Author(name, name, sources=("https://example.com/feed",)))
        cursor = str(max(store.changed_since(0).values()))
    written = names[10::-2]
    for name in written:
        write(name, "Other words than before, and more of them.")
    first = tick(cursor)
    assert ranges(first) == [(name, name) for name in written[:4]]  # who has waited longest
    second = tick(first.cursor)
    assert ranges(second) == [(name, name) for name in written[4:]]
    assert isinstance(tick(second.cursor), dg.SkipReason)


@pytest.mark.postgres_too
def test_a_tick_takes_a_bounded_batch_and_the_next_the_rest(tick, write, settings, instance):
    names = [f"author-{number:02}" for number in range(11)]
    for name in names:
        write(name)
    bounded = settings.model_copy(update={"authors_per_run": 2})
    cursor, asked, runs = None, [], []
    while isinstance(result := tick(cursor, bounded), dg.SensorResult):
        for request in result.dynamic_partitions_requests:
            register_authors(instance, request.partition_keys)
        groups = ranges(result)
        assert len(groups) <= 4
        runs.append(len(groups))
        asked += [key for first, last in groups for key in sorted({first, last})]
        if not runs[1:]:
            write(names[0], "The first author writes again, in the middle of it.")
        cursor = result.cursor
    assert sorted(asked) == sorted([*names, names[0]])
    assert runs == [4, 3]  # of two authors each at most; the one who wrote again is no neighbour


@pytest.mark.postgres_too
def test_authors_that_a_failed_run_took_along_go_on_in_another(write, settings, instance):
    for author, text in (("ada", "  "), ("bob", "Bob's words."), ("cleo", "Cleo's words.")):
        write(author, text + " About bread and ovens." * bool(text.strip()))
    register_authors(instance, ["ada", "bob", "cleo"])
    definitions = build_definitions(settings)
    job = definitions.resolve_job_def(JOB)
    sensor = definitions.get_repository_def().get_sensor_def("go_on_without_the_failed")

    def run(
        tags: dict[str, str], later: Mapping[str, str] = MappingProxyType({})
    ) -> dg.SensorResult | dg.SkipReason:
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
        assert not result.success
        context = dg.build_run_status_sensor_context(
            "go_on_without_the_failed",
            dagster_instance=instance,
            resources={"settings": settings},
            dagster_run=result.dagster_run.with_tags({**tags, **later}),
            dagster_event=next(
                e for e in result.all_events if e.event_type is dg.DagsterEventType.RUN_FAILURE
            ),
        )
        return sensor(context)

    asked = run(range_tags(["ada", "bob", "cleo"]))
    assert ranges(asked) == [("bob", "cleo")]
    (request,) = asked.run_requests
    left = {"cleaned_documents", "chunks", "windows", "embeddings", "faiss_index"}
    # Nothing is crawled once more; the checks of what failed for one were skipped for all.
    assert {key.to_user_string() for key in request.asset_selection} == left
    assert job.execute_in_process(
        instance=instance, tags=request.tags, asset_selection=list(request.asset_selection)
    ).success
    assert create_store("faiss", settings).authors() == ["bob", "cleo"]

    assert isinstance(run(range_tags(["ada"])), dg.SkipReason)
    both = range_tags(["ada", "bob"])
    assert isinstance(run(both, {"dagster/will_retry": "true"}), dg.SkipReason)
    own = both | {LAUNCHED_BY: "twin build"}
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


def test_what_was_left_to_a_run_that_is_cancelled_is_requested_after_it(
    tick, write, settings, instance
):
    for author in ("ada", "bob"):
        write(author)
    register_authors(instance, ["ada", "bob"])
    run = instance.create_run_for_job(
        build_definitions(settings).resolve_job_def(JOB),
        tags=range_tags(["ada"]),
        status=dg.DagsterRunStatus.STARTED,
    )
    result = tick()
    assert ranges(result) == [("bob", "bob")]
    result = tick(result.cursor)
    assert ranges(result) == []
    instance.report_run_canceled(run)
    result = tick(result.cursor)
    assert ranges(result) == [("ada", "ada")]
    assert isinstance(tick(result.cursor), dg.SkipReason)


def test_a_run_that_is_tried_again_from_a_later_step_takes_nothing_up(
    tick, write, settings, instance
):
    write("ada")
    register_authors(instance, ["ada"])
    job = build_definitions(settings).resolve_job_def(JOB)
    instance.add_run(
        dg.DagsterRun(
            JOB,
            run_id=str(uuid4()),
            status=dg.DagsterRunStatus.STARTING,
            tags=range_tags(["ada"]),
            asset_selection=job.asset_layer.selected_asset_keys,
            step_keys_to_execute=["chunks", "windows"],
        )
    )
    assert ranges(tick()) == [("ada", "ada")]


@pytest.mark.postgres_too
def test_a_failed_run_is_told_of_with_author_asset_reason_and_link(
    write, settings, instance, capfd
):
    write("ada", "   ")
    write("bob", "Bob's words, about bread and ovens.")
    register_authors(instance, ["ada", "bob"])
    definitions = build_definitions(settings)
    sensor = definitions.get_repository_def().get_sensor_def("tell_of_failures")
    job = definitions.resolve_job_def(JOB)
    told: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    result = job.execute_in_process(
        instance=instance, tags=range_tags(["ada", "bob"]), raise_on_error=False
    )
    failure = next(e for e in result.all_events if e.is_run_failure)

    def tick(run: dg.DagsterRun, of: TwinSettings) -> None:
        context = dg.build_run_status_sensor_context(
            "tell_of_failures", failure, instance, run, resources={"settings": of}
        )
        sensor(context.for_run_failure())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = SecretStr(f"http://127.0.0.1:{server.server_port}/")
        listened = settings.model_copy(update={"notify_url": url})
        tick(result.dagster_run, listened)
        again = result.dagster_run.with_tags({"dagster/will_retry": "true"})
        tick(again, listened)  # the run is tried again: there is nothing to tell yet
        server.shutdown()
        thread.join()
    nobody = settings.model_copy(update={"notify_hook": "no_such_module:function"})
    for silent in (listened, nobody):  # whom nothing can be told: the log is
        capfd.readouterr()
        tick(result.dagster_run, silent)
        assert "ada failed in cleaned_documents" in "".join(capfd.readouterr())
    (notice,) = told
    (told_of,) = notice["failures"]
    assert (told_of["author"], told_of["asset"]) == ("ada", "cleaned_documents")
    assert "No document of ada can be indexed" in told_of["reason"]
    assert notice["run"] == f"{settings.dagster_link}/runs/{result.run_id}"


def test_what_a_build_has_taken_up_is_not_requested_again(tick, write, settings, instance):
    write("ada")
    build(settings, instance, [], lambda event: None)
    result = tick()
    assert result.run_requests == []
    assert result.cursor == "1"
