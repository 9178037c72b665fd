"""Twin on containers: each test goes on from where the one before left the containers."""

import os
import re
from typing import Any

import pytest
from containers import CommandFailedError, Containers, wait_for

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        os.environ.get("TWIN_TEST_DOCKER") != "1",
        reason="takes minutes and a Docker engine: TWIN_TEST_DOCKER=1, or tests/docker/run",
    ),
]

SERVICES = ("postgres", "code-assets", "code-serving", "webserver", "daemon", "page")
RUNS = """{ runsOrError { ... on Runs { results {
    runId status tags { key value } } } } }"""
LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
LOGS = """query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection {
    events { __typename ... on MessageEvent { message } } } } }"""
MATERIALIZED = """{ assetNodeOrError(assetKey: {path: ["faiss_index"]}) { ... on AssetNode {
    assetMaterializations { partition runId } } } }"""


def runs(containers: Containers) -> list[dict[str, Any]]:
    """Return the runs, newest first, with their tags as a mapping."""
    found = containers.graphql(RUNS)["runsOrError"]["results"]
    return [run | {"tags": {t["key"]: t["value"] for t in run["tags"]}} for run in found]


def newest(containers: Containers, author: str, status: str) -> dict[str, Any] | None:
    of = "dagster/asset_partition_range_start"
    some = [run for run in runs(containers) if run["tags"].get(of) == author]
    return some[0] if some and some[0]["status"] == status else None


def import_sample(containers: Containers, author: str) -> None:
    containers.twin("import", f"twin_assets/samples/{author}.jsonl")


def materialized_by(containers: Containers, author: str) -> str:
    """Return the run behind the author's newest index version."""
    events = containers.graphql(MATERIALIZED)["assetNodeOrError"]["assetMaterializations"]
    return next(event["runId"] for event in events if event["partition"] == author)


def ask(containers: Containers) -> dict[str, Any]:
    answer = containers.page("POST", "/rag", json={"query": "When does a rye starter peak?"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_every_service_becomes_healthy(containers: Containers) -> None:
    of = {service: containers.of(service) for service in SERVICES}

    def ill() -> list[str]:
        status = "{{.State.Health.Status}}"
        return [name for name, id_ in of.items() if containers.inspect(id_, status) != "healthy"]

    wait_for(lambda: not ill())
    assert containers.inspect(containers.of("migrate"), "{{.State.ExitCode}}") == "0"
    for service in SERVICES[1:]:
        assert containers.compose("exec", "-T", service, "id", "-u").strip() == "10001"


def test_the_page_wants_its_key(containers: Containers) -> None:
    assert containers.page("GET", "/healthz", key=False).status_code == 200
    assert containers.page("GET", "/authors", key=False).status_code == 401
    assert containers.page("GET", "/readyz", key=False).status_code == 503  # nothing is served yet


def test_what_is_imported_is_built_in_a_container_of_its_own(containers: Containers) -> None:
    import_sample(containers, "mara-lindqvist")
    run = wait_for(lambda: newest(containers, "mara-lindqvist", "SUCCESS"))
    container = run["tags"]["docker/container_id"]
    assert (
        containers.inspect(container, '{{index .Config.Labels "dagster/run_id"}}') == run["runId"]
    )
    wait_for(lambda: containers.inspect(container, "{{.State.Status}}") == "exited")
    assert containers.inspect(container, "{{.State.ExitCode}}") == "0"
    assert materialized_by(containers, "mara-lindqvist") == run["runId"]
    environment = containers.inspect(container, "{{json .Config.Env}}")
    assert "TWIN_KEEP_VERSIONS=3" in environment
    assert not re.search("TWIN_API_KEY|TWIN_PAGE_USERS", environment)
    assert containers.page("GET", "/readyz").status_code == 200


def test_a_run_whose_container_is_killed_is_recorded_and_tried_again(
    containers: Containers,
) -> None:
    import_sample(containers, "tomas-okafor")
    killed = wait_for(lambda: newest(containers, "tomas-okafor", "STARTED"))
    containers.kill(killed["tags"]["docker/container_id"])
    again = wait_for(lambda: newest(containers, "tomas-okafor", "SUCCESS"))
    assert again["tags"]["dagster/root_run_id"] == killed["runId"]
    assert again["tags"]["dagster/retry_number"] == "1"
    assert again["tags"]["docker/container_id"] != killed["tags"]["docker/container_id"]
    assert {run["runId"]: run["status"] for run in runs(containers)}[killed["runId"]] == "FAILURE"
    events = containers.graphql(LOGS, run=killed["runId"])["logsForRun"]["events"]
    (reason,) = [e["message"] for e in events if e["__typename"] == "RunFailureEvent"]
    assert "Detected run worker status" in reason
    assert '"ExitCode": 137' in reason
    assert materialized_by(containers, "tomas-okafor") == again["runId"]


def test_a_run_can_be_launched_through_the_webserver(containers: Containers) -> None:
    author = "mara-lindqvist"
    tags = [
        {"key": f"dagster/asset_partition_range_{end}", "value": author} for end in ("start", "end")
    ]
    selector = {
        "repositoryLocationName": "twin_assets",
        "repositoryName": "__repository__",
        "jobName": "end_to_end_data",
    }
    launched = containers.graphql(
        LAUNCH,
        p={"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}},
    )["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    wait_for(lambda: materialized_by(containers, author) == launched["run"]["runId"])


def test_a_question_is_answered_with_citations(containers: Containers) -> None:
    answer = ask(containers)
    assert "[1]" in answer["answer"]
    assert answer["citations"][0]["author"] == "mara-lindqvist"


def test_no_log_holds_a_password(containers: Containers) -> None:
    logs = containers.compose("logs", "--no-color")
    for name in ("POSTGRES_PASSWORD", "TWIN_API_KEY"):
        assert containers.settings[name] not in logs


def test_a_missing_password_is_one_clear_line(containers: Containers) -> None:
    path = containers.folder / "deploy" / ".env"
    complete = path.read_text(encoding="utf-8")
    path.write_text(re.sub("^POSTGRES_PASSWORD=.*$", "", complete, flags=re.MULTILINE))
    try:
        with pytest.raises(CommandFailedError, match=r"It is missing\. Run make up-docker"):
            containers.compose("config")
    finally:
        path.write_text(complete)


def test_the_history_can_be_dumped(containers: Containers) -> None:
    dump = ("pg_dump", "--username", "twin", "--schema-only", "dagster")
    assert "CREATE TABLE public.event_logs" in containers.compose("exec", "-T", "postgres", *dump)


def test_ended_and_started_again_it_knows_what_it_knew(containers: Containers) -> None:
    before, known = ask(containers), {run["runId"] for run in runs(containers)}
    containers.down()
    containers.up()
    assert ask(containers)["answer"] == before["answer"]
    assert known <= {run["runId"] for run in runs(containers)}
