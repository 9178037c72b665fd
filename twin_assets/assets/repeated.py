"""Events of partitions that are as they were, logged again as the text that they are stored as.

An event with its tables and plots is read into some sixty of Dagster's objects and written back
from them: most of what a run over unchanged authors would cost. So a run of many takes the stored
text, and puts into it what is of this run. What Dagster reads of it is tested.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from time import time
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetEventTagsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import deserialize_value, serialize_value

from twin_assets.assets.dagster_storages import event_storage
from twin_assets.assets.provenance import DATA_VERSION
from twin_assets.event_log import HomeEventLog
from twin_assets.event_rows import Row, put_verdicts, stored_moment
from twin_assets.event_text import Stored, read_text, write_text

_BATCH = 500  # events a transaction; SQLite's oldest limit on bound variables is 999
_VERDICT = dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
_APART = 0.001  # seconds between events: the UI's list of an asset's shows one a millisecond

Change = Callable[[Stored], None]


def log_again(context: dg.OpExecutionContext, events: Iterable[tuple[str, Change]]) -> None:
    """Log events of before as events of this run and step; those listening to it are not told.

    Args:
        context: the step's.
        events: the text of each, and what changes its specific data as it stands there. All are
            materializations of one asset, or verdicts of checks.
    """
    rest = iter(events)
    while some := list(islice(rest, _BATCH)):
        _log_batch(context, some)


def as_stored(value: Any) -> Stored:
    """Return one of Dagster's objects as it stands in a stored event."""
    return read_text(serialize_value(value))


def _log_batch(context: dg.OpExecutionContext, before: Sequence[tuple[str, Change]]) -> None:
    events = event_storage(context.instance)
    envelope = _envelope(context)
    earliest = time() - len(before) * _APART
    rows: list[Row] = []
    marks: list[Row] = []  # what Dagster looks the events up by
    for number, (text, change) in enumerate(before):
        was = read_text(text)
        of_event, timestamp = was["dagster_event"], earliest + number * _APART
        data, kind = of_event["event_specific_data"], of_event["event_type_value"]
        change(data)
        made = data if kind == _VERDICT else data["materialization"]
        asset_key = dg.AssetKey(made["asset_key"]["path"]).to_string()
        said = {
            **envelope["dagster_event"],
            "event_specific_data": data,
            "event_type_value": kind,
            "message": of_event["message"],
        }
        row = {
            "run_id": context.run_id,
            "event": write_text(was | envelope | {"dagster_event": said, "timestamp": timestamp}),
            "dagster_event_type": kind,
            "timestamp": stored_moment(timestamp),
            "step_key": envelope["step_key"],
            "asset_key": None if kind == _VERDICT else asset_key,
            "partition": None if kind == _VERDICT else made["partition"],
        }
        rows.append(row)
        mark = _verdict if kind == _VERDICT else _tag
        marks.append({"asset_key": asset_key, **mark(made, row)})
    if isinstance(events, SqliteEventLogStorage):  # a run's events have a file of their own
        with events.run_connection(context.run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        if isinstance(events, HomeEventLog):
            events.tell_followers(context.run_id)
    event_id = SqlEventLogStorageTable.c.id
    insert = SqlEventLogStorageTable.insert().returning(event_id, sort_by_parameter_order=True)
    with events.index_transaction() as connection:
        ids = connection.execute(insert, rows).scalars().all()
        if kind == _VERDICT:
            put_verdicts(connection, _with("evaluation_event_storage_id", ids, marks))
        else:
            connection.execute(AssetEventTagsTable.insert(), _with("event_id", ids, marks))
            last = deserialize_value(row["event"], EventLogEntry)
            events._store_asset_event(connection, last, ids[-1])


def _envelope(context: dg.OpExecutionContext) -> Stored:
    """Return what every event of the step says of its run and step, whatever its kind."""
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
        "dagster_event": as_stored(event),
        "pipeline_name": step.job_name,
        "run_id": context.run_id,
        "step_key": step.step.key,
    }


def _with(name: str, ids: Sequence[int], marks: Sequence[Row]) -> list[Row]:
    return [{**mark, name: storage_id} for mark, storage_id in zip(marks, ids, strict=True)]


def _tag(materialization: Stored, row: Row) -> Row:
    """Return the materialization's data version: of our tags that is the one Dagster looks up."""
    return {
        "key": DATA_VERSION,
        "value": materialization["tags"][DATA_VERSION],
        "event_timestamp": row["timestamp"],
    }


def _verdict(said: Stored, row: Row) -> Row:
    status = AssetCheckExecutionRecordStatus
    return {
        "check_name": said["check_name"],
        "run_id": row["run_id"],
        "partition": said["partition"],
        "execution_status": (status.SUCCEEDED if said["success"] else status.FAILED).value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "materialization_event_storage_id": said["target_materialization_data"]["storage_id"],
    }
