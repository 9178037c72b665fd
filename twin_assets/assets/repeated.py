"""Events of partitions that are as they were, logged again as the text that they are stored as.

An event with its tables and plots is read into some sixty of Dagster's objects and written back
from them: most of what a run over unchanged authors would cost. So a run of many takes the stored
text, and puts into it what is of this run. What Dagster reads of it is tested.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.events import DagsterEvent
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetEventTagsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import deserialize_value, serialize_value
from sqlalchemy.engine import Connection

from twin_assets.assets.dagster_storages import event_storage
from twin_assets.assets.provenance import DATA_VERSION, batches
from twin_assets.event_log import Row, put_verdicts, stored_moment
from twin_assets.event_text import Stored, read_text, write_text

_BATCH = 500  # events a transaction; SQLite's oldest limit on bound variables is 999
_APART = 0.001  # seconds between events: the UI's list of an asset's shows one a millisecond

Change = Callable[[Stored], None]


def log_again(context: dg.OpExecutionContext, changes: Mapping[int, Change]) -> None:
    """Log events of before as events of this run and step; those listening to it are not told.

    Args:
        context: the step's.
        changes: by the storage id of each event, what changes its specific data as it is stored.
            All are materializations of one asset, or verdicts of checks.
    """
    for some in batches(sorted(changes), _BATCH):
        _log_batch(context, {storage_id: changes[storage_id] for storage_id in some})


def stored(value: Any) -> Stored:
    """Return one of Dagster's objects as it stands in a stored event."""
    return read_text(serialize_value(value))


def _log_batch(context: dg.OpExecutionContext, changes: Mapping[int, Change]) -> None:
    events = event_storage(context.instance)
    event = SqlEventLogStorageTable.c
    query = db.select(event.id, event.event, event.asset_key, event.partition)
    with events.index_connection() as connection:
        before = connection.execute(query.where(event.id.in_(list(changes)))).all()
    envelope = _envelope(context)
    earliest = time() - len(before) * _APART
    texts: list[Stored] = []
    rows: list[Row] = []
    for number, (storage_id, text, asset_key, partition) in enumerate(before):
        was = read_text(text)
        of_event, timestamp = was["dagster_event"], earliest + number * _APART
        changes[storage_id](of_event["event_specific_data"])
        kind = of_event["event_type_value"]
        said = ("event_specific_data", "event_type_value", "message")
        now = {
            **was,
            **envelope,
            "dagster_event": {**envelope["dagster_event"], **{key: of_event[key] for key in said}},
            "timestamp": timestamp,
        }
        texts.append(now)
        rows.append(
            {
                "run_id": context.run_id,
                "event": write_text(now),
                "dagster_event_type": kind,
                "timestamp": stored_moment(timestamp),
                "step_key": envelope["step_key"],
                "asset_key": asset_key,
                "partition": partition,
            }
        )
    if isinstance(events, SqliteEventLogStorage):  # a run's events have a file of their own
        with events.run_connection(context.run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
    insert = SqlEventLogStorageTable.insert().returning(event.id, sort_by_parameter_order=True)
    with events.index_transaction() as connection:
        ids = connection.execute(insert, rows).scalars().all()
        if rows[0]["dagster_event_type"] == dg.DagsterEventType.ASSET_MATERIALIZATION.value:
            _put_tags(connection, texts, rows, ids)
            last = deserialize_value(rows[-1]["event"], EventLogEntry)
            events._store_asset_event(connection, last, ids[-1])
        else:
            put_verdicts(connection, list(map(_verdict_row, texts, rows, ids)))


def _envelope(context: dg.OpExecutionContext) -> Stored:
    """Return what every event of the step says of its run and step, as Dagster's own logging."""
    step = context.get_step_execution_context()
    event = DagsterEvent(
        event_type_value=dg.DagsterEventType.STEP_START.value,
        job_name=step.job_name,
        step_handle=step.step.handle,
        node_handle=step.step.node_handle,
        step_kind_value=step.step.kind.value,
        logging_tags=step.event_tags,
        pid=os.getpid(),
    )
    return {
        "dagster_event": stored(event),
        "pipeline_name": step.job_name,
        "run_id": context.run_id,
        "step_key": step.step.key,
    }


def _put_tags(
    connection: Connection, events: Sequence[Stored], rows: Sequence[Row], ids: Sequence[int]
) -> None:
    """Put the data versions where Dagster looks events up by: of our tags it keeps these there."""
    tags = [
        {
            "event_id": storage_id,
            "asset_key": row["asset_key"],
            "key": DATA_VERSION,
            "value": _data(event)["materialization"]["tags"][DATA_VERSION],
            "event_timestamp": row["timestamp"],
        }
        for event, row, storage_id in zip(events, rows, ids, strict=True)
    ]
    connection.execute(AssetEventTagsTable.insert(), tags)


def _verdict_row(event: Stored, row: Row, storage_id: int) -> Row:
    said, status = _data(event), AssetCheckExecutionRecordStatus
    target = said["target_materialization_data"]
    return {
        "asset_key": dg.AssetKey(said["asset_key"]["path"]).to_string(),
        "check_name": said["check_name"],
        "run_id": row["run_id"],
        "partition": said["partition"],
        "execution_status": (status.SUCCEEDED if said["success"] else status.FAILED).value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": storage_id,
        "materialization_event_storage_id": target["storage_id"],
    }


def _data(event: Stored) -> Stored:
    data: Stored = event["dagster_event"]["event_specific_data"]
    return data
