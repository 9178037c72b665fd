"""Records in Chroma: how they are written and read back.

Chroma stores no record without a vector: a document's is a single 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin_assets.stores import COLLECTIONS, IndexPartition
from twin_assets.stores.records import (
    DOCUMENTS,
    Record,
    document_records,
    refuse_dimension,
    stack,
    window_records,
)

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI

_PAGE = 1000
_NO_VECTOR = np.zeros(1, dtype=np.float32)
# Wider than Chroma's defaults, for the recall of searches over all authors.
_SEARCHED = {"space": "ip", "ef_construction": 200, "max_neighbors": 32, "ef_search": 200}
_NOT_SEARCHED = {"ef_construction": 2, "max_neighbors": 2}


def of_author(author: str) -> dict[str, Any]:
    """Return the filter for the records of all the author's versions."""
    return {"author": author}


def of_version(author: str, version: str) -> dict[str, Any]:
    """Return the filter for the version's records."""
    return {"$and": [{"author": author}, {"version": version}]}


def collections_of(client: "ClientAPI") -> dict[str, "Collection"]:
    """Return those of our collections that there are, by name."""
    from chromadb.errors import NotFoundError

    found = {}
    for name in (*COLLECTIONS.values(), *DOCUMENTS.values()):
        with suppress(NotFoundError):
            found[name] = client.get_collection(name, embedding_function=None)
    return found


def write_rows(client: "ClientAPI", partition: IndexPartition, version: str) -> None:
    """Write the partition's windows and documents.

    Raises:
        IndexCorruptedError: a collection holds vectors of another dimension.
    """
    for category, records in window_records(partition, version):
        _add(client, COLLECTIONS[category], _SEARCHED, records, partition.vectors.shape[1])
    for category, records in document_records(partition, version):
        without = [replace(record, vector=_NO_VECTOR) for record in records]
        _add(client, DOCUMENTS[category], _NOT_SEARCHED, without, 1)


def _add(
    client: "ClientAPI", name: str, graph: Any, records: Sequence[Record], dimension: int
) -> None:
    if not records:
        return
    collection = client.get_or_create_collection(
        name,
        configuration={"hnsw": graph},
        metadata={"dimension": dimension},
        embedding_function=None,
    )
    refuse_dimension(name, (collection.metadata or {}).get("dimension", dimension), dimension)
    size = client.get_max_batch_size()
    for first in range(0, len(records), size):
        batch = records[first : first + size]
        collection.add(
            ids=[record.id for record in batch],
            embeddings=stack(batch, dimension),
            documents=[record.text for record in batch],
            metadatas=[dict(record.metadata) for record in batch],
        )


def read_rows(
    collection: "Collection", where: Mapping[str, Any], *, vectors: bool = False
) -> Iterator[Record]:
    """Read the records that the filter lets through, a page at a time."""
    include: list[Any] = ["metadatas", "documents", *(["embeddings"] if vectors else [])]
    for first in range(0, collection.count(), _PAGE):
        found: Any = collection.get(where=dict(where), limit=_PAGE, offset=first, include=include)
        columns = [found["ids"], found["metadatas"], found["documents"]]
        if vectors:
            columns.append(found["embeddings"])
        yield from (Record(*values) for values in zip(*columns, strict=True))
        if len(found["ids"]) < _PAGE:
            return


def read_ids(collection: "Collection", ids: Sequence[str]) -> list[Record]:
    """Read the records with these ids that there are, with their vectors, in any order."""
    records: list[Record] = []
    for first in range(0, len(ids), _PAGE):
        found: Any = collection.get(
            ids=list(ids[first : first + _PAGE]), include=["metadatas", "documents", "embeddings"]
        )
        columns = (found[name] for name in ("ids", "metadatas", "documents", "embeddings"))
        records += [Record(*values) for values in zip(*columns, strict=True)]
    return records
