"""What stands where: each author's assets, index versions, checks and crawled links."""

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from twin_assets.assets import chain
from twin_assets.assets.failures import failed_runs, failures_of
from twin_assets.assets.provenance import Materialization
from twin_assets.assets.staleness import Stale, Staleness
from twin_assets.assets.verdicts import GATES, why_not_served
from twin_assets.assets.versions import with_settings
from twin_assets.checks import CHECKS
from twin_assets.documents import Author, Visit
from twin_assets.notifications import Failure
from twin_assets.raw_store import RawStore, open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import VectorStore
from twin_assets.stores.manifest import Manifest

_CHECKS = [key for check in CHECKS for key in check.check_keys]
_PASSED = {
    AssetCheckExecutionRecordStatus.SUCCEEDED: True,
    AssetCheckExecutionRecordStatus.FAILED: False,
}


class State(StrEnum):
    """How an asset stands in an author's partition, or an author altogether.

    ``failed``: the last attempt came to nothing. ``missing``: there was none.
    """

    CURRENT = "current"
    STALE = "stale"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """One asset in one author's partition.

    ``run_id`` is the run that failed where the state is failed, else the one that materialized it,
    and ``timestamp`` is when that was, in seconds since 1970. ``passed`` is the last verdict of the
    check that blocks, ``doubts`` are the other checks that were not passed.
    """

    name: str
    state: State
    run_id: str | None
    timestamp: float | None
    passed: bool | None
    doubts: tuple[str, ...] = ()

    @property
    def materialized_at(self) -> str | None:
        """When it was materialized as an ISO 8601 time."""
        if self.timestamp is None:
            return None
        return datetime.fromtimestamp(self.timestamp, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class AuthorStatus:
    """One author's row. ``versions`` are newest first, ``stale`` where the chain is behind first.

    ``documents`` are those of the raw store, and ``serving`` is the version that the pointer names.
    """

    author: Author
    state: State
    documents: int
    assets: tuple[AssetStatus, ...]
    visits: tuple[Visit, ...]
    stale: Stale | None
    serving: str | None
    pinned: bool
    versions: tuple[Manifest, ...]

    @property
    def served(self) -> Manifest | None:
        """What is known of the served version, if its files are there."""
        return next((m for m in self.versions if m.version == self.serving), None)


@dataclass(frozen=True, slots=True)
class Details:
    """What is to be said of an author besides.

    ``failure`` is the reason that the last attempt failed for, if one did and it said so.
    ``refused`` are the versions that may not be served, each with the reason.
    """

    failure: str | None
    refused: Mapping[str, str]


class Overview:
    """Reads the raw store, the index and the Dagster instance. May be used from several threads."""

    def __init__(
        self, settings: TwinSettings, instance: dg.DagsterInstance, store: VectorStore
    ) -> None:
        """Look at the home that the settings name.

        Args:
            settings: the settings.
            instance: the home's Dagster instance.
            store: the index backend that answers.
        """
        self.assets = tuple(asset.key.to_user_string() for asset in chain([store.name]))
        self._settings = settings
        self._instance = instance
        self._store = store
        self._lock = threading.Lock()
        self._before: Staleness | None = None

    def authors(self) -> list[Author]:
        """Return every author in the raw store, ordered by slug.

        Raises:
            StorageError: the raw store cannot be read.
        """
        with closing(open_raw_store(self._settings)) as raw:
            return raw.authors()

    def states(self) -> dict[str, State]:
        """Return how each author stands altogether, by slug.

        Events that were read before are not read again: the first call takes seconds where there
        are a thousand authors, and the next ones less.

        Raises:
            StorageError: the raw store cannot be read.
        """
        with self._lock, closing(open_raw_store(self._settings)) as raw:
            authors = raw.authors()
            staleness = self._before = self._staleness(before=self._before)
            failed = self._failed_runs(staleness, None).values()
            return {
                author.slug: _state(
                    any(author.slug in runs for runs in failed),
                    first_stale(staleness, raw, author),
                    staleness.latest(self.assets[0], author.slug),
                )
                for author in authors
            }

    def read(
        self, slugs: Collection[str] | None = None, *, with_verdicts: bool = True
    ) -> list[AuthorStatus]:
        """Return the rows of these authors, or of all, ordered by slug.

        Args:
            slugs: the authors.
            with_verdicts: whether to say what the checks said.

        Raises:
            StorageError: the raw store cannot be read.
        """
        with closing(open_raw_store(self._settings)) as raw:
            authors = [a for a in raw.authors() if slugs is None or a.slug in slugs]
            staleness = self._staleness(slugs, self._before)
            failed = self._failed_runs(staleness, slugs)
            asked = [author.slug for author in authors] if with_verdicts else []
            verdicts = self._verdicts(asked)
            return [self._row(author, raw, staleness, failed, verdicts) for author in authors]

    def _staleness(
        self, authors: Collection[str] | None = None, before: Staleness | None = None
    ) -> Staleness:
        assets = with_settings(chain([self._store.name]), self._settings)
        stores = {f"{self._store.name}_index": self._store}
        return Staleness(
            self._instance, assets, self._settings, stores, authors=authors, before=before
        )

    def _row(
        self,
        author: Author,
        raw: RawStore,
        staleness: Staleness,
        failed: Mapping[str, Mapping[str, str]],
        verdicts: Mapping[tuple[str, str], Mapping[str, bool]],
    ) -> AuthorStatus:
        slug = author.slug
        first = first_stale(staleness, raw, author)
        behind = self.assets.index(first.asset) if first else len(self.assets)
        assets = []
        for place, asset in enumerate(self.assets):
            made = staleness.latest(asset, slug)
            if slug in failed[asset]:
                state = State.FAILED
            elif made is None:
                state = State.MISSING
            else:
                state = State.STALE if place >= behind else State.CURRENT
            run_id = failed[asset].get(slug) or (made.run_id if made else None)
            at = made.timestamp if made else None
            given = dict(verdicts.get((asset, slug), {}))
            passed = given.pop(GATES.get(asset, ""), None)
            doubts = tuple(sorted(name for name, passed in given.items() if not passed))
            assets.append(AssetStatus(asset, state, run_id, at, passed, doubts))
        serving, versions = self._store.serving(slug), tuple(self._store.versions(slug))
        # without a newer version there is none that another was chosen over
        older = serving is not None and any(m.version > serving for m in versions)
        return AuthorStatus(
            author=author,
            state=_state(
                any(asset.state is State.FAILED for asset in assets),
                first,
                staleness.latest(self.assets[0], slug),
            ),
            documents=sum(raw.count(slug).values()),
            assets=tuple(assets),
            visits=tuple(raw.visits(slug).values()),
            stale=first,
            serving=serving,
            pinned=older and self._store.pinned_over(slug) is not None,
            versions=versions,
        )

    def details(self, status: AuthorStatus) -> Details:
        """Return what is to be said of the author besides; every version kept is verified."""
        slug = status.author.slug
        failure = self.failures([status]).get(slug)
        others = (m.version for m in status.versions if m.version != status.serving)
        reasons = {v: why_not_served(self._instance, self._store, slug, v) for v in others}
        refused = {version: reason for version, reason in reasons.items() if reason}
        return Details(failure.reason if failure else None, refused)

    def failures(self, rows: Sequence[AuthorStatus]) -> dict[str, Failure]:
        """Return why the last attempt failed, by slug; without those whom only others stopped."""
        runs: dict[str, dict[str, Failure]] = {}
        found = {}
        for row in rows:
            run_id = next((a.run_id for a in row.assets if a.state is State.FAILED), None)
            if run_id is None:
                continue
            if run_id not in runs:
                runs[run_id] = {one.author: one for one in failures_of(self._instance, run_id)}
            if row.author.slug in runs[run_id]:
                found[row.author.slug] = runs[run_id][row.author.slug]
        return found

    def _failed_runs(
        self, staleness: Staleness, authors: Collection[str] | None
    ) -> dict[str, dict[str, str]]:
        """Return for each asset whose last attempt ended in a failed run, without it, and which."""
        return {
            asset: failed_runs(self._instance, asset, staleness.all_latest(asset), authors)
            for asset in self.assets
        }

    def _verdicts(self, slugs: Sequence[str]) -> dict[tuple[str, str], dict[str, bool]]:
        """Return the last verdicts by the asset and the author, by the check's name."""
        if not slugs:
            return {}
        keys = [key for key in _CHECKS if key.asset_key.to_user_string() in self.assets]
        infos = self._instance.event_log_storage.get_asset_check_partition_info(
            keys, partition_keys=slugs
        )
        found: dict[tuple[str, str], dict[str, bool]] = {}
        for info in infos:
            verdict = _PASSED.get(info.latest_execution_status)
            if verdict is not None and info.partition_key is not None:
                place = info.check_key.asset_key.to_user_string(), info.partition_key
                found.setdefault(place, {})[info.check_key.name] = verdict
        return found


def first_stale(staleness: Staleness, raw: RawStore, author: Author) -> Stale | None:
    """Return where the author's chain is behind first, or None when all of it is current."""
    to_crawl = why_crawl(author, raw, again=False)
    return staleness.first_stale(author.slug, raw.revision(author.slug), to_crawl)


def why_crawl(author: Author, store: RawStore, *, again: bool) -> str | None:
    """Return why the author's sources are to be crawled, or None."""
    if again and author.sources:
        return "its sources are crawled again"
    if not author.sources:
        return None
    seen = {visit.source for visit in store.visits(author.slug).values()}
    new = [source for source in author.sources if source not in seen]
    return f"{len(new):,} source{'' if len(new) == 1 else 's'} never crawled" if new else None


def _state(has_failed: bool, first: Stale | None, raw: Materialization | None) -> State:
    if has_failed:
        return State.FAILED
    if first is None:
        return State.CURRENT
    return State.STALE if raw else State.MISSING
