"""Builds through Dagster: one author's build requested, and how far the runs are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import anyio
import dagster as dg
import httpx
from anyio import to_thread
from dagster._core.execution.stats import RunStepKeyStatsSnapshot, StepEventStatus

from twin_assets.assets.failures import authors_of, failed_authors
from twin_assets.assets.under_way import runs_under_way
from twin_assets.errors import BadInputError, BuildFailedError, NothingServedError
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.settings import TwinSettings
from twin_serving.catalog import Catalog
from twin_serving.daemon import QUEUE, daemon_lives
from twin_serving.overview import Overview, State

_LOCATION = "twin_assets"  # as workspace.yaml names it
_REPOSITORY = "__repository__"  # what Dagster calls a location's one set of definitions
_LAUNCH = """mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}"""
_PATIENCE = httpx.Timeout(60.0, connect=3.0)  # Dagster plans the run before it answers


class Phase(StrEnum):
    """How far a run is, or a step of it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_PHASES = {
    dg.DagsterRunStatus.STARTED: Phase.RUNNING,
    dg.DagsterRunStatus.CANCELING: Phase.RUNNING,
    dg.DagsterRunStatus.SUCCESS: Phase.DONE,
    dg.DagsterRunStatus.FAILURE: Phase.FAILED,
    dg.DagsterRunStatus.CANCELED: Phase.FAILED,
}
_STEP_PHASES = {
    StepEventStatus.IN_PROGRESS: Phase.RUNNING,
    StepEventStatus.SUCCESS: Phase.DONE,
    StepEventStatus.FAILURE: Phase.FAILED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """An asset of a run; ``seconds`` that it took, once it is done."""

    asset: str
    phase: Phase
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    ``failed`` gives the reason by author. ``serves`` is the version that is served once a run for
    one author is done. ``note`` is one line on what is to be known or done besides.
    """

    run_id: str
    authors: tuple[str, ...]
    phase: Phase
    steps: tuple[Step, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    serves: str | None = None
    note: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.phase in (Phase.DONE, Phase.FAILED)


class Builds:
    """Requests builds of Dagster's webserver, and reads of its instance what became of them."""

    def __init__(self, settings: TwinSettings, catalog: Catalog, overview: Overview) -> None:
        """Build the home that the settings name.

        Args:
            settings: the settings; Dagster is asked at their ``dagster_api``.
            catalog: tells which version is served in the end.
            overview: tells what is behind.
        """
        self._api = settings.dagster_api
        self._catalog = catalog
        self._overview = overview
        self._one_at_a_time = anyio.Lock()

    async def request(self, author: str) -> str:
        """Return the id of the run that builds the author: one that is under way, or a new one.

        A new run begins with the asset that is behind first. Where all are current, it begins with
        the author's sources, which are crawled again.

        Args:
            author: the author's slug.

        Raises:
            BadInputError: there is no such author, or nothing to build.
            BuildFailedError: Dagster does not answer, or does not take the run.
        """
        async with self._one_at_a_time:
            run_id, assets = await to_thread.run_sync(self._prepare, author)
            return run_id or await self._launch(author, assets)

    def _prepare(self, author: str) -> tuple[str | None, Sequence[str]]:
        """Return a run that is under way for the author, or what a new one is to make."""
        status = next(iter(self._overview.read([author])), None)
        if status is None:
            raise BadInputError(f"There is no author {author!r} in the raw store.")
        for run_id, authors in self._runs():
            if author in authors:
                return run_id, ()
        failed = next((a.name for a in status.assets if a.state is State.FAILED), None)
        assets = self._overview.assets
        first = status.stale.asset if status.stale else failed
        if first is None and not status.author.sources:
            raise BadInputError(f"{status.author.name} is current: there is nothing to build.")
        register_authors(self._catalog.instance, [author])
        return None, assets[assets.index(first) if first else 0 :]

    async def _launch(self, author: str, assets: Sequence[str]) -> str:
        tags = [{"key": key, "value": value} for key, value in range_tags([author]).items()]
        params = {
            "selector": {
                "repositoryLocationName": _LOCATION,
                "repositoryName": _REPOSITORY,
                "jobName": JOB,
                "assetSelection": [{"path": [asset]} for asset in assets],
            },
            "runConfigData": {},
            "executionMetadata": {"tags": tags},
        }
        instead = f"Start `twin up`, or run `twin build --author {author}`."
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE) as client:
                response = await client.post(
                    f"{self._api}/graphql",
                    json={"query": _LAUNCH, "variables": {"params": params}},
                )
            launched = response.raise_for_status().json()["data"]["launchRun"]
        except (httpx.HTTPError, httpx.InvalidURL):
            raise BuildFailedError(f"Dagster's webserver does not answer. {instead}") from None
        except (ValueError, KeyError, TypeError):
            raise BuildFailedError(
                "What answers at TWIN_DAGSTER_API_URL, or TWIN_DAGSTER_URL without it, is not "
                f"Dagster's webserver. {instead}"
            ) from None
        if launched["__typename"] != "LaunchRunSuccess":
            reason = str(launched.get("message") or launched["__typename"]).splitlines()[0]
            raise BuildFailedError(f"Dagster does not take the build: {reason}. {instead}")
        return str(launched["run"]["runId"])

    def under_way(self) -> list[str]:
        """Return the ids of the runs that have not ended, oldest first."""
        return [run_id for run_id, _ in reversed(self._runs())]

    def _runs(self) -> list[tuple[str, list[str]]]:
        """Return the runs that have not ended and whom each is for, newest first."""
        instance = self._catalog.instance
        keys = instance.get_dynamic_partitions("author")
        return [(run.run_id, authors_of(run, keys)) for run in runs_under_way(instance, JOB)]

    def progress(self, run_id: str) -> Progress:
        """Return how far the run is."""
        instance = self._catalog.instance
        run = instance.get_run_by_id(run_id)
        if run is None:
            note = "Dagster does not know the run any more."
            return Progress(run_id, (), Phase.FAILED, note=note)
        authors = tuple(authors_of(run, instance.get_dynamic_partitions("author")))
        phase = _PHASES.get(run.status, Phase.WAITING)
        return Progress(
            run_id,
            authors,
            phase,
            steps=self._steps(run, phase),
            failed=failed_authors(instance, run_id) if phase is Phase.FAILED else {},
            serves=self._serves(authors) if phase is Phase.DONE else None,
            note=self._note(run),
        )

    def _steps(self, run: dg.DagsterRun, phase: Phase) -> tuple[Step, ...]:
        chosen = run.asset_selection
        assets = [a for a in self._overview.assets if not chosen or dg.AssetKey(a) in chosen]
        if phase is Phase.WAITING:
            return tuple(Step(asset, Phase.WAITING) for asset in assets)
        stats = {s.step_key: s for s in self._catalog.instance.get_run_step_stats(run.run_id)}
        return tuple(_step(asset, stats.get(asset)) for asset in assets)

    def _serves(self, authors: Sequence[str]) -> str | None:
        if len(authors) != 1:
            return None
        try:
            partition = self._catalog.served().partition(authors[0])
        except NothingServedError:
            return None
        return partition.version if partition else None

    def _note(self, run: dg.DagsterRun) -> str | None:
        if run.status is dg.DagsterRunStatus.CANCELED:
            return "It was cancelled in Dagster."
        is_queued = run.status is dg.DagsterRunStatus.QUEUED
        if is_queued and not daemon_lives(self._catalog.instance, QUEUE):
            return "Dagster's daemon, which starts the runs, does not run. Start `twin up`."
        return None


def _step(asset: str, stats: RunStepKeyStatsSnapshot | None) -> Step:
    if stats is None or stats.status is None:
        return Step(asset, Phase.WAITING)
    start, end = stats.start_time, stats.end_time
    taken = end - start if start is not None and end is not None else None
    return Step(asset, _STEP_PHASES.get(stats.status, Phase.WAITING), taken)
