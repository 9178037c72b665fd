"""Many events at once as rows of Dagster's tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._record import copy
from dagster._serdes import serialize_value
from sqlalchemy.engine import Connection

from twin_assets.event_text import Stored, read_text, write_text

Row = Mapping[str, Any]


def rows_of(events: Sequence[EventLogEntry], to_row: Callable[[EventLogEntry], Row]) -> list[Row]:
    """Return the events' rows, as ``to_row`` makes one.

    A run plans thousands of materializations that differ by partition and time alone: of each
    asset's, one is made by it, and the others after that one.
    """
    rows: list[Row] = []
    written: dict[Any, tuple[Row, Stored]] = {}
    for event in events:
        said = event.get_dagster_event()
        if not said.is_asset_materialization_planned:
            rows.append(to_row(event))
            continue
        key = event.run_id, said.step_key, said.asset_key, event.level
        if key not in written:
            first = to_row(event)
            written[key] = first, read_text(first["event"])
        row, stored = written[key]
        stored["timestamp"] = event.timestamp
        stored["dagster_event"]["event_specific_data"]["partition"] = said.partition
        own = {"partition": said.partition, "timestamp": stored_moment(event.timestamp)}
        rows.append({**row, **own, "event": write_text(stored)})
    return rows


def stored_moment(timestamp: float) -> datetime:
    """Return the time as it stands in a row: of UTC, and not saying so."""
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)


def put_verdicts(connection: Connection, verdicts: Sequence[Row]) -> None:
    """Put the rows of verdicts into the index, each in the place of what planned it."""
    table = AssetCheckExecutionsTable
    keys = ("asset_key", "check_name", "run_id")
    same = [table.c[key] == db.bindparam(f"_{key}") for key in keys]
    partition = table.c.partition
    # Apart, because Postgres has no index for a comparison that takes both.
    for places, is_of in (
        ([row for row in verdicts if row["partition"] is None], partition.is_(None)),
        (
            [row for row in verdicts if row["partition"] is not None],
            partition == db.bindparam("_partition"),
        ),
    ):
        known = [{f"_{key}": row[key] for key in (*keys, "partition")} for row in places]
        if known:
            connection.execute(table.delete().where(*same, is_of), known)
    connection.execute(table.insert(), verdicts)


def an_instant_each(events: Sequence[EventLogEntry]) -> list[EventLogEntry]:
    """Return the events, no two materializations of an asset in one millisecond.

    The UI's list of an asset's events shows one an instant, and a batch is logged in fewer
    milliseconds than it has authors. Whoever shares one is moved to before the next.
    """
    first: dict[Any, int] = {}  # the asset's earliest millisecond so far
    apart = list(events)
    for at, event in reversed(list(enumerate(events))):
        if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            asset, moment = event.get_dagster_event().asset_key, int(event.timestamp * 1000)
            if moment >= first.get(asset, moment + 1):
                moment = first[asset] - 1
                apart[at] = event._replace(timestamp=(moment + 0.5) / 1000)
            first[asset] = moment
    return apart


def planned_rows(event: EventLogEntry, row: Row, storage_id: int) -> Iterator[Row]:
    """Yield the rows of a planned check, one a partition.

    Dagster puts the event into each, with the keys of all partitions: their number squared.
    """
    planned = event.get_dagster_event().asset_check_planned_data
    subset = planned.partitions_subset
    alone = event.get_dagster_event()._replace(
        event_specific_data=copy(planned, partitions_subset=None)
    )
    serialized = serialize_value(event._replace(dagster_event=alone))
    for partition in subset.get_partition_keys() if subset else [None]:
        yield {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "partition": partition,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialized,
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": storage_id,
            "materialization_event_storage_id": None,
        }


def verdict_row(event: EventLogEntry, row: Row, storage_id: int) -> Row:
    """Return a verdict's row, in the place of what planned it."""
    said = event.get_dagster_event().asset_check_evaluation_data
    status, target = AssetCheckExecutionRecordStatus, said.target_materialization_data
    return {
        "asset_key": said.asset_key.to_string(),
        "check_name": said.check_name,
        "run_id": event.run_id,
        "partition": said.partition,
        "execution_status": (status.SUCCEEDED if said.passed else status.FAILED).value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": storage_id,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
