"""An earlier index version served again, by hand."""

from dataclasses import dataclass

import dagster as dg

from twin_assets.assets.verdicts import why_not_served
from twin_assets.documents import slugify
from twin_assets.stores import VectorStore


@dataclass(frozen=True, slots=True)
class Rollback:
    """What was done."""

    author: str
    index: str
    before: str | None
    serves: str


def roll_back(
    instance: dg.DagsterInstance,
    store: VectorStore,
    author: str,
    version: str | None = None,
    by: str | None = None,
) -> Rollback:
    """Serve an earlier version, and say so in Dagster; nothing is embedded.

    Args:
        instance: the home's Dagster instance.
        store: the index backend.
        author: a name or slug.
        version: the version to serve; None for the last one before the served one that may be.
        by: who does it, if that is known.

    Raises:
        BadInputError: there is no such version, or it may not be served.
        StorageError: the pointer cannot be moved.
    """
    slug = slugify(author)
    before = store.serving(slug)
    serves = store.roll_back(slug, version, lambda v: why_not_served(instance, store, slug, v))
    instance.report_runless_asset_event(
        dg.AssetObservation(
            f"{store.name}_index",
            partition=slug,
            description=f"{serves} is served, chosen by {by or 'hand'}.",
            metadata={"serves": serves, "before": before or "nothing"} | ({"by": by} if by else {}),
        )
    )
    return Rollback(slug, store.name, before, serves)
