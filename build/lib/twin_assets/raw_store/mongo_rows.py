"""Documents and visits as MongoDB keeps them, and the batches that they travel in."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

import bson

from twin_assets.documents import Category, Outcome, RawDocument, Visit
from twin_assets.errors import StorageError
from twin_assets.raw_store import COLLECTIONS

Row = dict[str, Any]

BATCH = 100  # rows a message at most
_BATCH_BYTES = 4 * 2**20
_LARGEST = 15 * 2**20  # bytes a row; MongoDB's own limit is 16 MiB

_DOCUMENT_FIELDS = tuple(field.name for field in fields(RawDocument))
_VISIT_FIELDS = tuple(field.name for field in fields(Visit))


def document_row(document: RawDocument) -> Row:
    """Return the document as it is stored, with its content hash and not gone."""
    return asdict(document) | {
        "category": document.category.value,
        "content_hash": document.content_hash,
        "gone": False,
    }


def document_of(row: Row) -> RawDocument:
    """Return the stored document."""
    # what another program wrote may lack a title or what is optional
    values = {"title": ""} | {name: row[name] for name in _DOCUMENT_FIELDS if name in row}
    return RawDocument(**values | {"category": Category(row["category"])})


def collection_of(row: Row) -> str:
    """Return the name of the collection that a document's row belongs in."""
    return COLLECTIONS[Category(row["category"])]


def visit_row(visit: Visit) -> Row:
    """Return the visit as it is stored."""
    return asdict(visit) | {"outcome": visit.outcome.value}


def visit_of(row: Row) -> Visit:
    """Return the stored visit."""
    values = {name: row[name] for name in _VISIT_FIELDS}
    return Visit(
        **values | {"outcome": Outcome(row["outcome"]), "documents": tuple(row["documents"])}
    )


def batches(rows: Iterable[Row], too_large: list[str]) -> Iterator[list[Row]]:
    """Yield the rows in batches of 100 rows or 4 MiB at most; a larger row travels alone.

    The links of rows that no server would take are added to ``too_large`` instead.
    """
    batch: list[Row] = []
    total = 0
    for row in rows:
        size = len(bson.encode(row))
        if size > _LARGEST:
            too_large.append(row["link"])
            continue
        if batch and (len(batch) == BATCH or total + size > _BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(row)
        total += size
    if batch:
        yield batch


def refuse(too_large: list[str]) -> None:
    """Say which rows were left out.

    Raises:
        StorageError: some were.
    """
    if too_large:
        some = ", ".join(too_large[:3]) + (", ..." if len(too_large) > 3 else "")
        raise StorageError(
            f"Left out, since MongoDB takes {_LARGEST // 2**20} MB a document: {some}. "
            "All the others are stored."
        )
