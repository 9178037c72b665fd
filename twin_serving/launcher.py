"""Dagster's launcher of containers, which also knows of the runs that `twin build` executes."""

from dagster import DagsterRun
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster_docker import DockerRunLauncher
from dagster_docker.docker_run_launcher import DOCKER_CONTAINER_ID_TAG

from twin_assets.errors import BadInputError
from twin_assets.partitions import LAUNCHED_BY
from twin_assets.settings import load_settings
from twin_serving.cli.locks import exclusive


class TwinRunLauncher(DockerRunLauncher):
    """Launches runs in containers, and leaves `twin build`'s own runs to it while it lives.

    They execute in its process and have no container, for want of which run monitoring would mark
    them failed within seconds.
    """

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the run's container is at work, or the build that executes the run.

        A build holds the home's lock as long as its process lives.
        """
        if LAUNCHED_BY not in run.tags or DOCKER_CONTAINER_ID_TAG in run.tags:
            health: CheckRunHealthResult = super().check_run_worker_health(run)
            return health
        try:
            with exclusive(load_settings(), "build"):
                gone = "The process that ran this is gone."
                return CheckRunHealthResult(WorkerStatus.NOT_FOUND, msg=gone)
        except BadInputError:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
