"""A sensor on the raw store: whoever wrote there, the author's chain runs."""

from contextlib import closing

import dagster as dg

from twin_assets.assets.provenance import REVISION, latest_by_author
from twin_assets.partitions import authors, contiguous_ranges, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings


def build_sensor(job_name: str) -> dg.SensorDefinition:
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
                for group in contiguous_ranges([*known, *new], set(behind))
            ],
            dynamic_partitions_requests=[authors.build_add_request(new)] if new else [],
            cursor=str(cursor),
        )

    return new_raw_documents
