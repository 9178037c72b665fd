"""Dagster's daemons over a test's definitions: their own iterations, without their processes."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import DagsterEvent
from dagster._core.execution.api import execute_run
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.asset_daemon import AssetDaemon
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._time import get_current_datetime

from twin_assets.definitions import build_definitions
from twin_assets.settings import TwinSettings

_LOG = logging.getLogger("daemons of a test")
_DEFINITIONS = """
from twin_assets.definitions import build_definitions
from twin_assets.settings import TwinSettings
defs = build_definitions(TwinSettings.model_validate_json({settings!r}))
"""


class Daemons:
    """The daemons of an instance. A run that they request is executed in this process."""

    def __init__(self, settings: TwinSettings, workspace: WorkspaceProcessContext) -> None:
        self.settings = settings
        self.workspace = workspace
        self.instance = workspace.instance
        self.definitions = build_definitions(settings)
        self._automation = AssetDaemon({}, pre_sensor_interval_seconds=0)
        self._pauses = 0

    def request_backfill(self, authors: list[str], assets: list[dg.AssetKey]) -> str:
        """Ask for the authors of these assets, as the UI's button does."""
        graph = self.workspace.create_request_context().asset_graph
        self.instance.add_backfill(
            PartitionBackfill.from_asset_partitions(
                backfill_id="backfill",
                asset_graph=graph,
                partition_names=authors,
                asset_selection=assets,
                backfill_timestamp=1.0,
                tags={},
                dynamic_partitions_store=self.instance,
                all_partitions=False,
                title=None,
                description=None,
                run_config=None,
            )
        )
        return "backfill"

    def iterate_backfills(self) -> None:
        """Do what the backfill daemon does every half minute."""
        for error in execute_backfill_iteration(self.workspace, _LOG):
            assert error is None, error

    def iterate_sensors(self) -> None:
        """Do what the sensor daemon does."""
        for error in execute_sensor_iteration(self.workspace, _LOG, None, None):
            assert error is None, error

    def iterate_automation(self) -> None:
        """Do what the asset daemon does, each time when the sensor's pause is over."""
        self._pauses += 1
        with freeze_time(get_current_datetime() + self._pauses * timedelta(minutes=1)):
            self._automation._run_iteration_impl(self.workspace, None, {}, {})

    def queued(self) -> list[dg.DagsterRun]:
        """Return the runs that wait, the first first."""
        wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        return list(self.instance.get_runs(wanted))[::-1]

    def execute(self, run: dg.DagsterRun) -> bool:
        """Execute the run here, and return whether it succeeded."""
        if run.job_name == "__ASSET_JOB":
            whole = self.definitions.resolve_implicit_global_asset_job_def()
        else:
            whole = self.definitions.resolve_job_def(run.job_name)
        job = whole.get_subset(
            asset_selection=run.asset_selection, asset_check_selection=run.asset_check_selection
        )
        starting = DagsterEvent("PIPELINE_STARTING", run.job_name)
        self.instance.report_dagster_event(starting, run.run_id)
        started = self.instance.get_run_by_id(run.run_id)
        return execute_run(InMemoryJob(job), started, self.instance, raise_on_error=False).success


@contextmanager
def daemons(
    settings: TwinSettings, instance: dg.DagsterInstance, folder: Path
) -> Iterator[Daemons]:
    """Give the instance's daemons, with the definitions of these settings as code location."""
    file = folder / "definitions_of_test.py"
    file.write_text(_DEFINITIONS.format(settings=settings.model_dump_json()))
    target = LoadableTargetOrigin(executable_path=sys.executable, python_file=str(file))
    origin = InProcessCodeLocationOrigin(target, location_name="twin_assets")
    with create_test_daemon_workspace_context(
        InProcessWorkspaceLoadTarget(origin), instance
    ) as workspace:
        yield Daemons(settings, workspace)
