"""Where an index version came from: the very materializations, from the raw documents on."""

from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from twin_assets.assets.provenance import (
    CODE_VERSION,
    INPUT_EVENT,
    Materialization,
    materialization_of,
)
from twin_serving.catalog import ServedPartition


@dataclass(frozen=True, slots=True)
class Step:
    """One materialization on the way to an index version; ``at`` is an ISO 8601 time in UTC."""

    asset: str
    run_id: str
    storage_id: int
    data_version: str
    code_version: str
    at: str


def lineage(
    instance: dg.DagsterInstance, backend: str, partition: ServedPartition
) -> tuple[Step, ...]:
    """Return the materializations that the served version came from, the raw documents' first.

    Each names its own inputs, so what is returned is what was there then, whatever was materialized
    since. One whose event was wiped from the instance is left out, with those before it.
    """
    found: dict[str, Materialization] = {}
    wanted = {f"{backend}_index": partition.storage_id}
    while wanted:
        asset, storage_id = wanted.popitem()
        made = materialization_of(instance, asset, storage_id)
        if made is None:
            continue
        found[asset] = made
        for tag, value in made.tags.items():
            if tag.startswith(INPUT_EVENT) and tag.removeprefix(INPUT_EVENT) not in found:
                wanted[tag.removeprefix(INPUT_EVENT)] = int(value)
    return tuple(
        Step(
            made.asset,
            made.run_id,
            made.storage_id,
            made.data_version,
            made.tags.get(CODE_VERSION, ""),
            datetime.fromtimestamp(made.timestamp, UTC).isoformat(timespec="seconds"),
        )
        for made in sorted(found.values(), key=lambda made: made.storage_id)
    )
