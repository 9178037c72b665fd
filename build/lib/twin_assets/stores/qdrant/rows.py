"""Records in Qdrant: how they are written and read back.

A point's payload is the record's metadata and text; a document's point has no vector.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twin_assets.stores import COLLECTIONS, IndexPartition
from twin_assets.stores.records import (
    DOCUMENTS,
    Record,
    document_records,
    refuse_dimension,
    window_records,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_FILTERED_BY = ("author", "category", "version")
# A server takes 32 MB in one request: the second bound is for documents, which can be long.
_BATCH_POINTS = 256
_BATCH_CHARACTERS = 4_000_000


def matching(**values: str | list[str]) -> "models.Filter":
    """Return the filter for points that have each of these values, or one of the listed."""
    from qdrant_client import models

    def match(value: str | list[str]) -> models.MatchAny | models.MatchValue:
        if isinstance(value, list):
            return models.MatchAny(any=value)
        return models.MatchValue(value=value)

    return models.Filter(
        must=[models.FieldCondition(key=key, match=match(value)) for key, value in values.items()]
    )


def prepare(client: "QdrantClient", dimension: int, *, indexed: bool) -> None:
    """Make the six collections, as far as they are not there.

    Args:
        client: a client that may write.
        dimension: of the windows' vectors.
        indexed: whether payload indexes are made too.

    Raises:
        IndexCorruptedError: a collection holds vectors of another dimension.
    """
    from qdrant_client import models

    there = _existing(client)
    for name in (*COLLECTIONS.values(), *DOCUMENTS.values()):
        # The dot product of normalized vectors is their cosine, and Qdrant keeps them as they are.
        with_vectors = models.VectorParams(size=dimension, distance=models.Distance.DOT)
        wanted = with_vectors if name in COLLECTIONS.values() else None
        if name not in there:
            try:
                client.create_collection(name, vectors_config=wanted or {})
            except Exception:
                if name not in _existing(client):  # it is when another process was first
                    raise
        info = client.get_collection(name)
        kept = info.config.params.vectors
        if wanted and isinstance(kept, models.VectorParams):
            refuse_dimension(name, kept.size, dimension)
        for field in _FILTERED_BY if indexed else ():
            if field not in info.payload_schema:
                client.create_payload_index(name, field, models.PayloadSchemaType.KEYWORD)


def write_rows(client: "QdrantClient", partition: IndexPartition, version: str) -> None:
    """Write the partition's windows and documents into the prepared collections."""
    for category, records in window_records(partition, version):
        _upsert(client, COLLECTIONS[category], records)
    for category, records in document_records(partition, version):
        _upsert(client, DOCUMENTS[category], records)


def _upsert(client: "QdrantClient", name: str, records: Sequence[Record]) -> None:
    from qdrant_client import models

    for batch in _batches(records):
        points = [
            models.PointStruct(
                id=record.id,
                vector={} if record.vector is None else record.vector.tolist(),
                payload={**record.metadata, "text": record.text},
            )
            for record in batch
        ]
        client.upsert(name, points, wait=True)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    characters = 0
    for record in records:
        characters += len(record.text)
        if batch and (len(batch) == _BATCH_POINTS or characters > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], len(record.text)
        batch.append(record)
    if batch:
        yield batch


def record_of(point: "models.Record | models.ScoredPoint") -> Record:
    """Return the record that the point holds."""
    payload = dict(point.payload or {})
    text = payload.pop("text")
    vector = np.array(point.vector, np.float32) if point.vector else None
    return Record(str(point.id), payload, text, vector)


def read_rows(
    client: "QdrantClient", names: Iterable[str], where: "models.Filter", *, vectors: bool
) -> Iterator[Record]:
    """Yield the records of the named collections that the filter lets through."""
    there = _existing(client)
    for name in (name for name in names if name in there):
        offset: Any = None
        while True:
            points, offset = client.scroll(
                name, where, limit=_BATCH_POINTS, offset=offset, with_vectors=vectors
            )
            yield from map(record_of, points)
            if offset is None:
                break


def count_rows(client: "QdrantClient", where: "models.Filter") -> Counter[str]:
    """Return how many points the filter lets through in each collection."""
    return Counter({name: client.count(name, where).count for name in _existing(client)})


def erase_rows(client: "QdrantClient", where: "models.Filter") -> None:
    """Remove the points that the filter lets through from every collection."""
    from qdrant_client import models

    for name in _existing(client):
        client.delete(name, models.FilterSelector(filter=where), wait=True)


def _existing(client: "QdrantClient") -> set[str]:
    """Return those of our collections that there are."""
    ours = {*COLLECTIONS.values(), *DOCUMENTS.values()}
    return ours & {found.name for found in client.get_collections().collections}
