"""What a point in Qdrant holds, and how it is written and read back.

A point is a window with its vector, or a cleaned document without one. Its payload has what points
are filtered by, its place in the partition, and what makes the chunk and the window, or the
document, again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category, Chunk, CleanedDocument, Window, identifier
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import COLLECTIONS, IndexPartition
from twin_assets.stores.versioned import rows_by_category

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

DOCUMENTS = {
    Category.ARTICLE: "cleaned_articles",
    Category.POST: "cleaned_posts",
    Category.REPOSITORY: "cleaned_repositories",
}

_FILTERED_BY = ("author", "category", "version")
# A server takes 32 MB in one request: the second bound is for documents, which can be long.
_BATCH_POINTS = 256
_BATCH_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True)
class WindowPayload:
    """What the point of a window holds beside its vector."""

    author: str
    category: Category
    version: str
    place: int
    chunk_place: int
    chunk: Chunk
    start: int
    end: int
    title: str
    tokens: int

    @property
    def window(self) -> Window:
        """The window."""
        text = self.chunk.text[self.start : self.end]
        return Window.of(
            self.chunk.chunk_id, self.start, self.end, text, self.tokens, title=self.title
        )


@dataclass(frozen=True, slots=True)
class DocumentPayload:
    """What the point of a cleaned document holds."""

    author: str
    category: Category
    version: str
    place: int
    document: CleanedDocument


WINDOW_PAYLOAD = TypeAdapter(WindowPayload)
DOCUMENT_PAYLOAD = TypeAdapter(DocumentPayload)


def point_id(version: str, content_id: str) -> str:
    """Return the id of the point that holds the window or document in this version."""
    return identifier(version, content_id)


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
        if wanted and isinstance(kept, models.VectorParams) and kept.size != dimension:
            raise IndexCorruptedError(
                f"Qdrant's collection {name} holds vectors of {kept.size} dimensions, and these "
                f"have {dimension}: they come from different embedding models. Set "
                "TWIN_EMBEDDING_MODEL back, or delete Qdrant's collections and run `twin build`."
            )
        for field in _FILTERED_BY if indexed else ():
            if field not in info.payload_schema:
                client.create_payload_index(name, field, models.PayloadSchemaType.KEYWORD)


def write_rows(client: "QdrantClient", partition: IndexPartition, version: str) -> None:
    """Write the partition's windows and documents into the prepared collections."""
    points = chain(_windows(partition, version), _documents(partition, version))
    for name, group in groupby(points, key=lambda point: point.collection):
        for batch in _batches(group):
            client.upsert(name, [point.struct for point in batch], wait=True)


@dataclass(frozen=True, slots=True)
class _Point:
    collection: str
    characters: int
    struct: "models.PointStruct"


def _windows(partition: IndexPartition, version: str) -> Iterator[_Point]:
    from qdrant_client import models

    chunks = {chunk.chunk_id: (at, chunk) for at, chunk in enumerate(partition.chunks)}
    for category, rows in rows_by_category(partition).items():
        for row in rows:
            window = partition.windows[row]
            chunk_place, chunk = chunks[window.chunk_id]
            payload = WindowPayload(
                author=partition.author.slug,
                category=category,
                version=version,
                place=row,
                chunk_place=chunk_place,
                chunk=chunk,
                start=window.start,
                end=window.end,
                title=window.title,
                tokens=window.tokens,
            )
            struct = models.PointStruct(
                id=point_id(version, window.window_id),
                vector=partition.vectors[row].tolist(),
                payload=WINDOW_PAYLOAD.dump_python(payload, mode="json"),
            )
            yield _Point(COLLECTIONS[category], len(chunk.text), struct)


def _documents(partition: IndexPartition, version: str) -> Iterator[_Point]:
    from qdrant_client import models

    author = partition.author.slug
    for category, name in DOCUMENTS.items():
        for place, document in enumerate(partition.documents):
            if document.category is category:
                payload = DocumentPayload(author, category, version, place, document)
                struct = models.PointStruct(
                    id=point_id(version, document.document_id),
                    vector={},
                    payload=DOCUMENT_PAYLOAD.dump_python(payload, mode="json"),
                )
                yield _Point(name, len(document.text), struct)


def _batches(points: Iterable[_Point]) -> Iterator[list[_Point]]:
    batch: list[_Point] = []
    characters = 0
    for point in points:
        characters += point.characters
        if batch and (len(batch) == _BATCH_POINTS or characters > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], point.characters
        batch.append(point)
    if batch:
        yield batch


def read_windows(
    client: "QdrantClient", where: "models.Filter"
) -> list[tuple[WindowPayload, Vectors]]:
    """Return the windows that the filter lets through, with their vectors, by place."""
    found = [
        (WINDOW_PAYLOAD.validate_python(record.payload), np.array(record.vector, np.float32))
        for record in _scroll(client, COLLECTIONS.values(), where, vectors=True)
    ]
    return sorted(found, key=lambda item: item[0].place)


def read_documents(client: "QdrantClient", where: "models.Filter") -> list[CleanedDocument]:
    """Return the documents that the filter lets through, by place."""
    found = [
        DOCUMENT_PAYLOAD.validate_python(record.payload)
        for record in _scroll(client, DOCUMENTS.values(), where, vectors=False)
    ]
    return [payload.document for payload in sorted(found, key=lambda payload: payload.place)]


def _scroll(
    client: "QdrantClient", names: Iterable[str], where: "models.Filter", *, vectors: bool
) -> "Iterator[models.Record]":
    there = _existing(client)
    for name in (name for name in names if name in there):
        offset: Any = None
        while True:
            records, offset = client.scroll(
                name, where, limit=_BATCH_POINTS, offset=offset, with_vectors=vectors
            )
            yield from records
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
