"""Sensors: each kind of event has one owner, so that nothing is run twice.

============================  ====================================================
what happened                 who requests the run
============================  ====================================================
the raw store was written     ``new_raw_documents``
an author failed in a run     ``go_on_without_the_failed``, for the others
a run's process died, or a    Dagster's run retries (``dagster.yaml``)
server did not answer it
an input changed by itself    ``follow_changed_inputs``, Dagster's own
============================  ====================================================
"""

from collections.abc import Collection, Mapping
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.tags import WILL_RETRY_TAG

from twin_assets.assets import chain as assets_along
from twin_assets.assets.failures import authors_of, failed_authors, failures_of, left_of
from twin_assets.assets.provenance import REVISION, latest_by_author
from twin_assets.assets.staleness import Staleness
from twin_assets.assets.under_way import authors_under_way, everybody_under_way
from twin_assets.assets.versions import with_settings
from twin_assets.errors import TwinError
from twin_assets.notifications import Failure, LogNotifier, Notice, create_notifier
from twin_assets.partitions import (
    FEW_RUNS,
    LAUNCHED_BY,
    authors,
    contiguous_ranges,
    few_ranges,
    range_tags,
)
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )


def build_raw_sensor(job_name: str) -> dg.SensorDefinition:
    """Return the sensor that requests the job for authors with new raw documents.

    Its cursor is the newest revision that a tick has looked at, and those of the authors who are
    looked at again: runs had them in hand then, or the tick had requested as many as it may.
    """

    @dg.sensor(
        job_name=job_name,
        name="new_raw_documents",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds new authors as partitions and requests a run for what was written.",
    )
    def new_raw_documents(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.SensorResult | dg.SkipReason:
        newest, *left = map(int, (context.cursor or "0").split())
        with closing(open_raw_store(settings)) as store:
            written = store.changed_since(min([newest, *(revision - 1 for revision in left)]))
        # No two authors have one revision: who is left over has a higher one than the newest.
        changed = {author: revision for author, revision in written.items() if revision in left}
        new = {author: revision for author, revision in written.items() if revision > newest}
        changed |= _first(new, FEW_RUNS * settings.authors_per_run)
        if not changed and not left:
            return dg.SkipReason("no raw document was written since the last tick")
        recorded = latest_by_author(context.instance, "raw_documents", changed)
        behind = {
            author: revision
            for author, revision in changed.items()
            if author not in recorded or recorded[author].tags.get(REVISION) != str(revision)
        }
        # A run that has them in hand may take it up, or be cancelled: the tick after it will tell.
        in_hand = behind.keys() & authors_under_way(context.instance, job_name, "raw_documents")
        wanted = behind.keys() - in_hand
        known = context.instance.get_dynamic_partitions("author")
        added = sorted(wanted - set(known))
        ranges = few_ranges(
            [*known, *added],
            wanted,
            settings.authors_per_run,
            lambda: _settled(context.instance, settings),
        )
        ranges.sort(key=lambda group: min(behind[author] for author in wanted & set(group)))
        groups, waiting = ranges[:FEW_RUNS], ranges[FEW_RUNS:]
        later = in_hand | wanted.intersection(chain.from_iterable(waiting))
        cursor = [max([newest, *changed.values()]), *sorted(behind[author] for author in later)]
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=f"{max(behind.get(author, 0) for author in group)}:{group[0]}",
                    tags=range_tags(group),
                )
                for group in groups
            ],
            dynamic_partitions_requests=[authors.build_add_request(added)] if added else [],
            cursor=" ".join(map(str, cursor)),
        )

    return new_raw_documents


def _settled(instance: dg.DagsterInstance, settings: TwinSettings) -> set[str]:
    """Return whom a run may take along: no page is asked for, nothing made, no run disturbed."""
    assets = with_settings(assets_along([settings.index]), settings)
    index = create_store(settings.index, settings)
    staleness = Staleness(instance, assets, settings, {f"{index.name}_index": index})
    with closing(open_raw_store(settings)) as store:
        current = {
            author.slug
            for author in store.authors()
            if not author.sources
            and staleness.first_stale(author.slug, store.revision(author.slug)) is None
        }
    return current - everybody_under_way(instance)


def _first(written: Mapping[str, int], most: int) -> dict[str, int]:
    return dict(sorted(written.items(), key=lambda item: item[1])[:most])


def build_failure_sensor(
    job: "UnresolvedAssetJobDefinition", assets: Collection[dg.AssetKey]
) -> dg.SensorDefinition:
    """Return the sensor that lets the others go on when a run of several authors failed for some.

    Dagster runs no step after a failed one, so the authors that did not fail stop with those that
    did. They go on with the job's assets that the run did not come to, or whose checks it did not.
    `twin build` sees to its own runs.

    Args:
        job: what is requested.
        assets: those of the job.
    """

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="go_on_without_the_failed",
        request_job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a new run for the authors that a failed run took along.",
    )
    def go_on_without_the_failed(
        context: dg.RunStatusSensorContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.SensorResult | dg.SkipReason:
        run, instance = context.dagster_run, context.instance
        if LAUNCHED_BY in run.tags:
            return dg.SkipReason("the run's launcher goes on by itself")
        if run.tags.get(WILL_RETRY_TAG) == "true":
            return dg.SkipReason("Dagster tries the whole run again")
        keys = instance.get_dynamic_partitions("author")
        failed = failed_authors(instance, run.run_id)
        others = set(authors_of(run, keys)) - failed.keys()
        if not failed or not others:
            return dg.SkipReason("nobody was taken along")
        left = left_of(instance, run.run_id)
        selection = [key for key in assets if key.to_user_string() in left]
        if not selection:
            return dg.SkipReason("nothing was left to do")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=f"{run.run_id}:{group[0]}",
                    tags=range_tags(group),
                    asset_selection=selection,
                )
                for group in contiguous_ranges(keys, others, settings.authors_per_run)
            ]
        )

    return go_on_without_the_failed


def build_notice_sensor() -> dg.SensorDefinition:
    """Return the sensor that tells of every failed run, whoever launched it."""

    @dg.run_failure_sensor(
        name="tell_of_failures",
        monitor_all_code_locations=True,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Says who failed, in which asset and why: to the log, or as TWIN_NOTIFY_* say.",
    )
    def tell_of_failures(
        context: dg.RunFailureSensorContext, settings: dg.ResourceParam[TwinSettings]
    ) -> None:
        run = context.dagster_run
        if run.tags.get(WILL_RETRY_TAG) == "true":
            return
        failures = failures_of(context.instance, run.run_id)
        whole = Failure("", "", context.failure_event.message or "the run failed")
        link = f"{settings.dagster_link}/runs/{run.run_id}"
        notice = Notice(run.job_name, link, failures or [whole])
        try:
            create_notifier(settings, context.log).notify(notice)
        except TwinError as error:
            context.log.error(str(error))
            LogNotifier(context.log).notify(notice)

    return tell_of_failures
