"""The code location: assets, checks, job and sensor, with the settings as their one resource."""

from collections.abc import Iterable

import dagster as dg

from twin_assets.assets import ASSETS, chain, faiss_ivf
from twin_assets.assets.versions import with_settings
from twin_assets.automation import build_automation_sensor, with_automation
from twin_assets.checks import CHECKS
from twin_assets.code_links import with_code_links
from twin_assets.schedules import build_crawl_schedule, build_ivf_schedule
from twin_assets.sensors import build_failure_sensor, build_notice_sensor, build_raw_sensor
from twin_assets.settings import TwinSettings, load_settings

JOB = "end_to_end_data"


def build_definitions(
    settings: TwinSettings, indexes: Iterable[str] | None = None
) -> dg.Definitions:
    """Return the definitions for these settings; nothing is read or loaded but the code.

    Args:
        settings: the settings.
        indexes: the backends that the job publishes to; by default the one that answers.
    """
    links = chain(indexes or [settings.index])
    followers = [asset.key for asset in chain([settings.index])[1:]]  # of the raw documents
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*links),
        description="Everything from the raw store to a served index, for one author or several.",
    )
    schedules = [build_ivf_schedule(faiss_ivf)] if settings.index == "faiss" else []
    if crawl_again := build_crawl_schedule(JOB, settings.crawl_schedule):
        schedules.append(crawl_again)
    return dg.Definitions(
        assets=with_code_links(
            [*with_automation(with_settings(ASSETS, settings), followers), faiss_ivf],
            settings.code_url,
        ),
        asset_checks=CHECKS,
        jobs=[job],
        schedules=schedules,
        sensors=[
            build_raw_sensor(JOB),
            build_failure_sensor(job, [asset.key for asset in links]),
            build_notice_sensor(),
            build_automation_sensor(followers),
        ],
        resources={"settings": settings},
        # One process a run, so that the embedding model is loaded once.
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_settings())
