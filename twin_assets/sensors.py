"""Sensors: whoever wrote to the raw store, the author's chain runs, as far as it can."""

from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg

from twin_assets.assets.failures import authors_of, failed_authors
from twin_assets.assets.provenance import REVISION, latest_by_author
from twin_assets.partitions import LAUNCHED_BY, authors, contiguous_ranges, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )


def build_raw_sensor(job_name: str) -> dg.SensorDefinition:
    """Return the sensor that requests the job for authors with new raw documents."""

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
        cursor = int(context.cursor or 0)
        with closing(open_raw_store(settings)) as store:
            changed = store.changed_since(cursor)
        if not changed:
            return dg.SkipReason("no raw document was written since the last tick")
        cursor = max(changed.values())
        recorded = latest_by_author(context.instance, "raw_documents", changed)
        behind = [
            author
            for author, revision in changed.items()
            if author not in recorded or recorded[author].tags.get(REVISION) != str(revision)
        ]
        known = context.instance.get_dynamic_partitions("author")
        new = [author for author in behind if author not in set(known)]
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{cursor}:{group[0]}", tags=range_tags(group))
                for group in contiguous_ranges(
                    [*known, *new], set(behind), settings.authors_per_run
                )
            ],
            dynamic_partitions_requests=[authors.build_add_request(new)] if new else [],
            cursor=str(cursor),
        )

    return new_raw_documents


def build_failure_sensor(job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Return the sensor that lets the others go on when a run of several authors failed for some.

    Dagster runs no step after a failed one, so the authors that did not fail stop with those that
    did. `twin build` sees to its own runs.
    """

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="go_on_without_the_failed",
        monitored_jobs=[job],
        request_job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a new run for the authors that a failed run took along.",
    )
    def go_on_without_the_failed(
        context: dg.RunStatusSensorContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.SensorResult | dg.SkipReason:
        run = context.dagster_run
        if LAUNCHED_BY in run.tags:
            return dg.SkipReason("the run's launcher goes on by itself")
        keys = context.instance.get_dynamic_partitions("author")
        failed = failed_authors(context.instance, run.run_id)
        others = set(authors_of(run, keys)) - failed.keys()
        if not failed or not others:
            return dg.SkipReason("nobody was taken along")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{run.run_id}:{group[0]}", tags=range_tags(group))
                for group in contiguous_ranges(keys, others, settings.authors_per_run)
            ]
        )

    return go_on_without_the_failed
