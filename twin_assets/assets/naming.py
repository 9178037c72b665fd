"""Rows of Dagster's databases that name an author's key, found and removed."""

import json
import re
from collections.abc import Iterable

import sqlalchemy as db
from sqlalchemy.engine import Connection

from twin_assets.assets.provenance import MOST_VARIABLES, batches


def with_value(connection: Connection, table: db.Table, column: str, author: str) -> list[int]:
    """Return the ids of the rows whose serialized column has the author as a value."""
    text = table.c[column]
    query = db.select(table.c.id, text).where(contains(text, author))
    value = value_of(author)
    return [row_id for row_id, body in connection.execute(query) if value.search(body)]


def contains(column: db.Column[str], author: str) -> db.ColumnElement[bool]:
    """Return the condition of serialized text that may name the author."""
    return column.contains(serialized(author), autoescape=True)


def serialized(author: str) -> str:
    """Return the key as it stands in serialized text."""
    return json.dumps(author)[1:-1]


def word_of(author: str) -> re.Pattern[str]:
    """Return what finds the author's key in serialized text as a word of its own."""
    return re.compile(rf"(?<![\w-]){re.escape(serialized(author))}(?![\w-])")


def value_of(author: str) -> re.Pattern[str]:
    """Return what finds the key as a whole value, or at the end of one, after a colon."""
    return re.compile(rf'(?<=[":]){re.escape(serialized(author))}(?=\\?")')


def count(connection: Connection, table: db.Table, where: db.ColumnElement[bool]) -> int:
    """Return how many rows of the table there are."""
    return connection.scalars(db.select(db.func.count()).select_from(table).where(where)).one()


def delete(connection: Connection, column: db.Column[int], ids: Iterable[int]) -> None:
    """Remove the rows of the column's table with these ids."""
    for some in batches(sorted(ids), MOST_VARIABLES):
        connection.execute(column.table.delete().where(column.in_(some)))
