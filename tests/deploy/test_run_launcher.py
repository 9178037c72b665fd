"""The containers' run monitoring, over runs that `twin build` executes and over others."""

import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
import yaml
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from dagster_docker.docker_run_launcher import DOCKER_CONTAINER_ID_TAG
from deploy_files import read_yaml

from twin_assets.home import prepare_home
from twin_assets.partitions import JOB, LAUNCHED_BY
from twin_assets.settings import TwinSettings
from twin_serving.cli.locks import exclusive

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
OURS = {LAUNCHED_BY: "twin build"}


@pytest.fixture
def monitored(
    settings: TwinSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance with the launcher and the monitoring of the containers, its state in files."""
    monkeypatch.setenv("TWIN_HOME", str(settings.root))
    prepare_home(settings)
    deployed = read_yaml("deploy/dagster.yaml")
    kept = {name: deployed[name] for name in ("run_launcher", "run_monitoring")}
    folder = tmp_path / "instance"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump(kept | {"telemetry": {"enabled": False}}))
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


def status_after_a_look(
    instance: dg.DagsterInstance, tags: dict[str, str]
) -> tuple[dg.DagsterRunStatus, str]:
    """Let the monitoring look at a run that has begun; return its status then, and why."""
    run = instance.add_run(dg.DagsterRun(JOB, run_id=str(uuid4()), tags=tags))
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", JOB), run.run_id)
    with create_test_daemon_workspace_context(EmptyWorkspaceTarget(), instance) as workspace:
        log = logging.getLogger("monitoring of a test")
        assert set(execute_run_monitoring_iteration(workspace, log)) == {None}
    after = instance.get_run_by_id(run.run_id)
    assert after is not None
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    return after.status, " ".join(str(entry.get_dagster_event().message) for entry in failures)


def test_a_build_that_lives_keeps_its_run(
    monitored: dg.DagsterInstance, settings: TwinSettings
) -> None:
    with exclusive(settings, "build"):
        assert status_after_a_look(monitored, OURS) == (STARTED, "")


def test_the_run_of_a_build_that_is_gone_is_marked(monitored: dg.DagsterInstance) -> None:
    status, reason = status_after_a_look(monitored, OURS)
    assert status is FAILURE
    assert "The process that ran this is gone." in reason


@pytest.mark.parametrize("tags", [{}, OURS | {DOCKER_CONTAINER_ID_TAG: "none"}])
def test_a_run_that_should_have_a_container_is_looked_for(
    monitored: dg.DagsterInstance,
    settings: TwinSettings,
    tags: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(  # no engine is needed to find that a container is not there
        "dagster_docker.DockerRunLauncher._get_container", lambda *_: None
    )
    with exclusive(settings, "build"):
        status, reason = status_after_a_look(monitored, tags)
    assert status is FAILURE
    assert "ontainer" in reason
