"""How far what was added is on its way to being asked about, read from the store and Dagster."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import dagster as dg

from twin_assets.assets import chain
from twin_assets.assets.failures import authors_of, failed_authors
from twin_assets.assets.staleness import Staleness
from twin_assets.assets.versions import with_settings
from twin_assets.documents import Author, Outcome, Visit
from twin_assets.errors import BadInputError
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.catalog import Catalog
from twin_serving.daemon import QUEUE, SENSORS, daemon_lives
from twin_serving.overview import first_stale

_RUNS = 25  # the newest, of all authors
_BAD = {Outcome.GONE, Outcome.REFUSED, Outcome.FAILED}


class Stage(StrEnum):
    """Where an author's documents are."""

    WAITING = "waiting"  # until Dagster's sensor sees them
    ASLEEP = "asleep"  # nothing runs that would see them, or start their run
    QUEUED = "queued"
    BUILDING = "building"
    FAILED = "failed"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an author's documents are.

    ``assets`` is the chain, and ``done`` how many of it are current, from the first on. ``run_id``
    is the run that has them in hand, or failed with ``reason``. ``bad_links`` are the sources and
    links that could not be read.
    """

    author: Author
    stage: Stage
    assets: tuple[str, ...]
    done: int
    run_id: str | None = None
    reason: str = ""
    bad_links: tuple[Visit, ...] = ()


class ProgressReader:
    """Reads the progress of one author at a time, at a price that does not grow with the others."""

    def __init__(self, settings: TwinSettings, catalog: Catalog) -> None:
        """Read from the home that the settings name, and from the catalog's instance and index."""
        self._settings = settings
        self._instance, self._index = catalog.instance, catalog.store
        self._assets = chain([self._index.name])

    def read(self, slug: str, since: datetime) -> Progress:
        """Return how far the author is.

        Args:
            slug: who was added.
            since: the time of adding; runs from before have nothing to do with it.

        Raises:
            BadInputError: there is no such author.
            StorageError: TWIN_HOME or the raw store cannot be read.
        """
        settings = self._settings
        with closing(open_raw_store(settings)) as store:
            author = next((one for one in store.authors() if one.slug == slug), None)
            if author is None:
                raise BadInputError(f"There is no author {slug!r} any more: add the author again.")
            staleness = Staleness(
                self._instance,
                with_settings(self._assets, settings),
                settings,
                {f"{self._index.name}_index": self._index},
                authors=[slug],
            )
            stale = first_stale(staleness, store, author)
            visits = store.visits(slug).values()
        names = tuple(asset.key.to_user_string() for asset in self._assets)
        done = names.index(stale.asset) if stale else len(names)
        stage, run_id, reason = self._in_hand(slug, since) if stale else (Stage.READY, None, "")
        bad = tuple(visit for visit in visits if visit.outcome in _BAD)
        return Progress(author, stage, names, done, run_id, reason, bad)

    def _in_hand(self, author: str, since: datetime) -> tuple[Stage, str | None, str]:
        """Return what the newest run for the author that is worth telling of does."""
        instance = self._instance
        keys = instance.get_dynamic_partitions("author")
        runs = instance.get_runs(dg.RunsFilter(created_after=since), limit=_RUNS)
        for run in runs:
            if author not in authors_of(run, keys):
                continue
            if run.status is dg.DagsterRunStatus.STARTED:
                return Stage.BUILDING, run.run_id, ""
            if not run.is_finished:
                is_stuck = run.status is dg.DagsterRunStatus.QUEUED and not daemon_lives(
                    instance, QUEUE
                )
                return (Stage.ASLEEP if is_stuck else Stage.QUEUED), run.run_id, ""
            failed = failed_authors(instance, run.run_id)
            if run.status is not dg.DagsterRunStatus.SUCCESS and (author in failed or not failed):
                return Stage.FAILED, run.run_id, failed.get(author, "the run did not end well")
            break  # it failed for others, or something was written meanwhile: there will be another
        is_awake = daemon_lives(instance, SENSORS)
        return (Stage.WAITING if is_awake else Stage.ASLEEP), None, ""
