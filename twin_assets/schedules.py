"""Schedules: every author brought up to date, and the index over all authors built anew."""

from contextlib import closing

import dagster as dg
from dagster._utils.schedules import is_valid_cron_string

from twin_assets.errors import BadInputError
from twin_assets.partitions import contiguous_ranges, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings

OFF = "off"
IVF_CRON = "0 3 * * *"


def build_crawl_schedule(job_name: str, cron: str) -> dg.ScheduleDefinition | None:
    """Return the schedule that requests the job for every author; None for "off".

    Those without sources too: what a run left behind is made up for, and whoever is as before
    costs milliseconds, where leaving them out would cut the others into many runs.

    Raises:
        BadInputError: ``cron`` is no cron schedule.
    """
    if cron == OFF:
        return None
    if not is_valid_cron_string(cron):
        raise BadInputError(
            f"TWIN_CRAWL_SCHEDULE cannot be used: {cron!r} is no cron schedule as 0 5 * * * is, "
            "nor off."
        )

    @dg.schedule(
        job_name=job_name,
        name="crawl_again",
        cron_schedule=cron,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Crawls the sources again, and takes up whatever else is behind; a page that "
        "has not changed costs one request.",
    )
    def crawl_again(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[TwinSettings]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        with closing(open_raw_store(settings)) as store:
            there = {author.slug for author in store.authors()}
        known = context.instance.get_dynamic_partitions("author")
        groups = list(contiguous_ranges(known, there, settings.authors_per_run))
        if not groups:
            return dg.SkipReason("there is no author yet")
        moment = context.scheduled_execution_time.isoformat()
        return [
            dg.RunRequest(run_key=f"{moment}:{group[0]}", tags=range_tags(group))
            for group in groups
        ]

    return crawl_again


def build_ivf_schedule(asset: dg.AssetsDefinition) -> dg.ScheduleDefinition:
    """Return the schedule that builds the asset once a night, after the crawl of the day before."""
    return dg.ScheduleDefinition(
        name="build_ivf",
        target=dg.AssetSelection.assets(asset),
        cron_schedule=IVF_CRON,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Takes what was published since into the inverted file over all authors.",
    )
