"""What declarative automation remembers of an author: evaluations, and a packed cursor."""

import base64
import zlib
from collections.abc import Iterator

import sqlalchemy as db
from dagster._core.definitions.sensor_definition import SensorType
from dagster._core.scheduler.instigation import InstigatorState, SensorInstigatorData
from dagster._core.storage.schedules.schema import (
    AssetDaemonAssetEvaluationsTable,
    InstigatorsTable,
    JobTable,
)
from dagster._serdes import deserialize_value, serialize_value
from sqlalchemy.engine import Connection

from twin_assets.assets.naming import delete, value_of, with_value

_EVALUATIONS, _BODY = AssetDaemonAssetEvaluationsTable, "asset_evaluation_body"


def traces_of_automation(connection: Connection, author: str) -> int:
    """Return how many evaluations and cursors name the author."""
    cursors = list(_cursors_naming(connection, author))
    return len(with_value(connection, _EVALUATIONS, _BODY, author)) + len(cursors)


def forget_automation(connection: Connection, author: str) -> None:
    """Remove evaluations that name the author, and cursors that do.

    Without its cursor the automation begins anew: what has changed by then it does not request.
    """
    ids = with_value(connection, _EVALUATIONS, _BODY, author)
    delete(connection, _EVALUATIONS.c.id, ids)
    for table, column, row_id, state, data in _cursors_naming(connection, author):
        body = serialize_value(state._replace(instigator_data=data._replace(cursor=None)))
        where = table.c.id == row_id
        connection.execute(table.update().where(where).values({column: body}))


def _cursors_naming(
    connection: Connection, author: str
) -> Iterator[tuple[db.Table, str, int, InstigatorState, SensorInstigatorData]]:
    """Yield where the cursors are that name the author, each with what the row holds."""
    names = value_of(author)
    for table, column in ((InstigatorsTable, "instigator_body"), (JobTable, "job_body")):
        for row_id, body in connection.execute(db.select(table.c.id, table.c[column])).all():
            state = deserialize_value(body, InstigatorState)
            data = state.instigator_data
            if (
                isinstance(data, SensorInstigatorData)
                and data.sensor_type is SensorType.AUTO_MATERIALIZE
                and data.cursor
                and names.search(_unpacked(data.cursor))
            ):
                yield table, column, row_id, state, data


def _unpacked(cursor: str) -> str:
    """Return the cursor as text; its first letter is the packing's version."""
    return zlib.decompress(base64.b64decode(cursor[1:])).decode()
