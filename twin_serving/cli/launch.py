"""Dagster runs in this process: as few as the plan needs, no author stopped by another."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from twin_assets.assets import chain
from twin_assets.assets.embeddings import EMBEDDED
from twin_assets.assets.failures import failed_authors, left_of
from twin_assets.assets.provenance import AS_BEFORE
from twin_assets.assets.staleness import Stale
from twin_assets.assets.under_way import everybody_under_way
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.jobs import assets_of
from twin_assets.partitions import (
    JOB,
    LAUNCHED_BY,
    contiguous_ranges,
    few_ranges,
    range_tags,
    register_authors,
)
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.cli.plan import AuthorPlan, chosen_authors, plan_build
from twin_serving.cli.waiting import wait_for_others

OnEvent = Callable[[dg.DagsterEvent], None]
# Nobody launches these again but `twin build` itself.
_OURS = {LAUNCHED_BY: "twin build", "dagster/max_retries": "0"}
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_IN_PROGRESS = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dataclass(slots=True)
class BuildReport:
    """What a build did. ``failed`` maps an author's slug to the reason."""

    current: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    windows_embedded: int = 0
    run_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _RunResult:
    run_id: str
    embedded: int
    failed: Mapping[str, str]


def build(
    settings: TwinSettings,
    instance: dg.DagsterInstance,
    names: Sequence[str],
    on_event: OnEvent,
    *,
    crawl: bool = False,
    indexes: Sequence[str] = (),
) -> BuildReport:
    """Materialize what is behind, author by author as far as each can go.

    Who is in a run of Dagster's is waited for.

    A run that ends with failed authors leaves the others materialized up to there; they go on in
    the next run, also those who are current by then, who would stand as failed; until all are
    current or failed.

    Args:
        settings: the settings.
        instance: the home's Dagster instance.
        names: authors' names or slugs; all when empty.
        on_event: called with every event of the runs as it happens.
        crawl: whether sources that were crawled before are crawled again.
        indexes: the backends that are published to; by default the one that answers.

    Raises:
        BadInputError: an author is not known, or there is none.
        KeyboardInterrupt: the build was interrupted; what was done is kept.
    """
    plans = plan_build(settings, instance, names, crawl=crawl, indexes=indexes)
    if wait_for_others(instance, [plan.author.slug for plan in plans if plan.stale is not None]):
        plans = plan_build(settings, instance, names, crawl=crawl, indexes=indexes)
    authors = {plan.author.slug: plan.author for plan in plans}
    settled = _settled(plans)
    report = BuildReport(current=list(settled))
    wanted = [plan.author.slug for plan in plans if plan.stale is not None]
    assets = [asset.key for asset in chain(indexes or [settings.index])]
    job = build_definitions(settings, indexes).resolve_job_def(JOB)
    register_authors(instance, wanted)
    behind = {plan.author.slug: plan for plan in plans if plan.stale is not None}
    while behind:
        stopped: dict[str, AuthorPlan] = {}
        for first, group in _groups(
            instance, behind.values(), settled, assets, settings.authors_per_run
        ):
            rest = assets[assets.index(first) :]
            result = _run(job, instance, rest, group, on_event)
            report.run_ids.append(result.run_id)
            report.windows_embedded += result.embedded
            report.failed |= result.failed
            wanted = [author for author in wanted if author not in result.failed]
            for slug in result.failed:
                settled.pop(slug, None)
            if result.failed and (left := _left(instance, result.run_id, rest)):
                going_on = [slug for slug in group if slug not in result.failed]
                stopped |= {slug: AuthorPlan(authors[slug], left) for slug in going_on}
        plans = plan_build(settings, instance, wanted, indexes=indexes) if wanted else []
        settled |= _settled(plans)
        for plan in plans:  # what a run leaves as it was would be tried for ever
            slug = plan.author.slug
            if plan.stale is not None and slug in behind and plan.stale == behind[slug].stale:
                report.failed[slug] = f"{plan.stale.asset} stays behind: {plan.stale.reason}"
        wanted = [author for author in wanted if author not in report.failed]
        behind = {p.author.slug: p for p in plans if p.stale and p.author.slug in wanted}
        behind |= {slug: plan for slug, plan in stopped.items() if slug not in report.failed}
    report.built = wanted
    report.current = [slug for slug in report.current if slug not in report.failed]
    return report


def run_job(
    settings: TwinSettings,
    instance: dg.DagsterInstance,
    name: str,
    names: Sequence[str],
    on_event: OnEvent,
    *,
    indexes: Sequence[str] = (),
) -> BuildReport:
    """Run the job for authors, whatever their state; those that do not fail go as far as it does.

    Args:
        settings: the settings.
        instance: the home's Dagster instance.
        name: the job's.
        names: authors' names or slugs; all when empty.
        on_event: called with every event of the runs as it happens.
        indexes: the backends that are published to; by default the one that answers.

    Raises:
        BadInputError: an author is not known, or there is none.
        KeyboardInterrupt: it was interrupted; what was done is kept.
    """
    with closing(open_raw_store(settings)) as store:
        slugs = [author.slug for author in chosen_authors(store, names)]
    wait_for_others(instance, slugs)
    register_authors(instance, slugs)
    job = build_definitions(settings, indexes).resolve_job_def(name)
    report = BuildReport()
    assets = [asset.key for asset in assets_of(name, indexes or [settings.index])]
    waiting = [(assets, set(slugs))]
    keys = instance.get_dynamic_partitions("author")
    while waiting:
        some, wanted = waiting.pop()
        for group in contiguous_ranges(keys, wanted, settings.authors_per_run):
            result = _run(job, instance, some, group, on_event)
            report.run_ids.append(result.run_id)
            report.windows_embedded += result.embedded
            report.failed |= result.failed
            others = set(group) - result.failed.keys()
            left = left_of(instance, result.run_id) if result.failed else set()
            if rest := [key for key in some if key.to_user_string() in left and others]:
                waiting.append((rest, others))
    report.built = [slug for slug in slugs if slug not in report.failed]
    return report


def _groups(
    instance: dg.DagsterInstance,
    behind: Collection[AuthorPlan],
    settled: Mapping[str, Author],
    assets: Sequence[dg.AssetKey],
    most: int,
) -> Iterator[tuple[dg.AssetKey, list[str]]]:
    """Yield runs as (first asset, neighbouring authors), the ones with most to do first.

    Where they would be many, settled authors who stand between are taken along: an unchanged one
    costs next to nothing, but for a crawl and for another's run that has them in hand.
    """
    keys = instance.get_dynamic_partitions("author")
    for first in assets:
        name = first.to_user_string()
        wanted = {p.author.slug for p in behind if p.stale is not None and p.stale.asset == name}
        crawls = name == "raw_documents"
        along = {author.slug for author in settled.values() if not (crawls and author.sources)}
        for group in few_ranges(keys, wanted, most, partial(_at_rest, instance, along)):
            yield first, group


def _left(instance: dg.DagsterInstance, run_id: str, assets: Sequence[dg.AssetKey]) -> Stale | None:
    """Return from where on those go on whom the failed run stopped, if anything is left."""
    left = left_of(instance, run_id)
    first = next((name for key in assets if (name := key.to_user_string()) in left), None)
    return None if first is None else Stale(first, "another's failure stopped it")


def _at_rest(instance: dg.DagsterInstance, authors: set[str]) -> set[str]:
    return authors - everybody_under_way(instance)


def _settled(plans: Sequence[AuthorPlan]) -> dict[str, Author]:
    return {plan.author.slug: plan.author for plan in plans if plan.stale is None}


def _run(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    assets: list[dg.AssetKey],
    group: list[str],
    on_event: OnEvent,
) -> "_RunResult":
    """Run the assets for the group."""
    run_id = str(uuid4())
    embedded = 0

    def listen(entry: dg.EventLogEntry) -> None:
        nonlocal embedded
        if (event := entry.dagster_event) is not None:
            embedded += _embedded(event)
            on_event(event)

    instance.add_event_listener(run_id, listen)
    result = job.execute_in_process(
        instance=instance,
        run_id=run_id,
        run_config=_QUIET,
        tags={**range_tags(group), **_OURS},
        asset_selection=assets,
        raise_on_error=False,
    )
    message = "the run failed"
    for event in result.all_events:
        if is_interruption(event):
            raise KeyboardInterrupt
        if event.is_step_failure and event.step_failure_data.error is not None:
            message = event.step_failure_data.error.message.strip()
    failed = {} if result.success else failed_authors(instance, run_id)
    if not result.success and not failed:
        failed = dict.fromkeys(group, message)
    return _RunResult(run_id, embedded, failed)


def is_interruption(event: dg.DagsterEvent) -> bool:
    """Tell whether a step failed because somebody interrupted it."""
    error = event.step_failure_data.error if event.is_step_failure else None
    return error is not None and error.cls_name == DagsterExecutionInterruptedError.__name__


def _embedded(event: dg.DagsterEvent) -> int:
    """Return how many texts were embedded for the author whose materialization this is, if any."""
    if not event.is_step_materialization or event.asset_key != dg.AssetKey("embeddings"):
        return 0
    materialization = event.step_materialization_data.materialization
    if AS_BEFORE in (materialization.tags or {}):
        return 0
    value = materialization.metadata[EMBEDDED].value
    return value if isinstance(value, int) else 0


def end_abandoned_runs(instance: dg.DagsterInstance, *, all_launchers: bool) -> int:
    """Mark runs failed whose process is gone, so that they hold no place in the queue.

    The caller holds the lock that the runs' own launcher would hold if it were alive.

    Args:
        instance: the home's Dagster instance.
        all_launchers: also runs that a daemon launched, which is right when none is running.
    """
    own = {LAUNCHED_BY: _OURS[LAUNCHED_BY]}
    filters = dg.RunsFilter(statuses=_IN_PROGRESS, tags={} if all_launchers else own)
    runs = instance.get_runs(filters)
    for run in runs:
        instance.report_run_failed(run, "The process that ran this is gone.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(runs)
