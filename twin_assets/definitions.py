"""The code location: assets, checks, jobs and sensors, with the settings as their one resource."""

import gc
from collections.abc import Iterable

import dagster as dg

from twin_assets.assets import ASSETS, faiss_ivf
from twin_assets.assets.versions import with_settings
from twin_assets.automation import build_automation_sensor, with_automation
from twin_assets.checks import CHECKS
from twin_assets.code_links import with_code_links
from twin_assets.freshness import with_freshness
from twin_assets.jobs import FEATURES, JOBS, assets_of, build_job
from twin_assets.partitions import JOB
from twin_assets.schedules import build_crawl_schedule, build_ivf_schedule
from twin_assets.sensors import build_failure_sensor, build_notice_sensor, build_raw_sensor
from twin_assets.settings import TwinSettings, load_settings


def build_definitions(
    settings: TwinSettings, indexes: Iterable[str] | None = None
) -> dg.Definitions:
    """Return the definitions for these settings; nothing is read or loaded but the code.

    Args:
        settings: the settings.
        indexes: the backends that the jobs publish to; by default the one that answers.
    """
    published = list(indexes or [settings.index])
    followers = [asset.key for asset in assets_of(FEATURES, [settings.index])]
    jobs = {name: build_job(name, published) for name in JOBS}
    assets = [*with_automation(with_settings(ASSETS, settings), followers), faiss_ivf]
    schedules: dict[str, dg.ScheduleDefinition] = {}
    if settings.index == "faiss":
        schedules["faiss_ivf"] = build_ivf_schedule(faiss_ivf)
    if crawl_again := build_crawl_schedule(JOB, settings.crawl_schedule):
        schedules["raw_documents"] = crawl_again
    crons = {asset: str(schedule.cron_schedule) for asset, schedule in schedules.items()}
    return dg.Definitions(
        assets=with_freshness(with_code_links(assets, settings.code_url), crons),
        asset_checks=CHECKS,
        jobs=list(jobs.values()),
        schedules=list(schedules.values()),
        sensors=[
            build_raw_sensor(JOB),
            build_failure_sensor(jobs[JOB], [asset.key for asset in assets_of(JOB, published)]),
            build_notice_sensor(),
            build_automation_sensor(followers),
        ],
        resources={"settings": settings},
        # One process a run, so that the embedding model is loaded once.
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_settings())
# What is loaded by now stays: of a run's time a sixth was looking it through for garbage.
gc.freeze()
