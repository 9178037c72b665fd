"""The jobs, named after what they do for an LLM twin: collect, make features, both."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg

from twin_assets.assets import chain
from twin_assets.partitions import JOB

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

COLLECT, FEATURES = "digital_data_etl", "feature_engineering"
JOBS = (COLLECT, FEATURES, JOB)


def assets_of(job: str, indexes: Iterable[str]) -> tuple[dg.AssetsDefinition, ...]:
    """Return the job's assets in the data's order, up to these index backends."""
    raw, *features = chain(indexes)
    return {COLLECT: (raw,), FEATURES: tuple(features), JOB: (raw, *features)}[job]


def build_job(job: str, indexes: Iterable[str]) -> "UnresolvedAssetJobDefinition":
    """Return the job, which publishes to these index backends."""
    return dg.define_asset_job(
        job,
        selection=dg.AssetSelection.assets(*assets_of(job, indexes)),
        description=_DESCRIPTIONS[job],
    )


_DESCRIPTIONS = {
    COLLECT: "The authors' sources crawled into the raw store, and what it then holds recorded.",
    FEATURES: "From the raw store to a served index: cleaned, chunked, embedded, published.",
    JOB: "Everything from the sources to a served index, for one author or several.",
}
