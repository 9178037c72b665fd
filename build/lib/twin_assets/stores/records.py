"""What a database's record of a window or a document holds, whichever database it is.

A window's record has its vector, its chunk's text, and as metadata the author, the version and what
else makes the chunk and the window again; a cleaned document's has its text and its other fields.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category, Chunk, CleanedDocument, Window, identifier
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import Hit, IndexPartition
from twin_assets.stores.bm25 import WordMatch
from twin_assets.stores.manifest import Manifest
from twin_assets.stores.versioned import rows_by_category

DOCUMENTS = {
    Category.ARTICLE: "cleaned_articles",
    Category.POST: "cleaned_posts",
    Category.REPOSITORY: "cleaned_repositories",
}

Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """A record; ``vector`` is None where it has none or was not asked for."""

    id: str
    metadata: Metadata
    text: str
    vector: Vectors | None = None

    @property
    def chunk(self) -> Chunk:
        """The chunk of a window's record."""
        return Chunk(**self._values(Chunk))

    @property
    def window(self) -> Window:
        """The window of a window's record."""
        chunk, (start, end) = self.chunk, self.span
        title, tokens = self.metadata["window_title"], self.metadata["window_tokens"]
        return Window.of(chunk.chunk_id, start, end, chunk.text[start:end], tokens, title=title)

    @property
    def span(self) -> tuple[int, int]:
        """Where the window starts and ends in its chunk."""
        return self.metadata["window_start"], self.metadata["window_end"]

    @property
    def document(self) -> CleanedDocument:
        """The document of a document's record."""
        return CleanedDocument(**self._values(CleanedDocument))

    def hit(self, score: float) -> Hit:
        """Return the window's record as a hit."""
        return Hit(self.chunk, score, *self.span)

    def _values(self, row_type: type) -> dict[str, Any]:
        names = [field.name for field in fields(row_type)]
        values = {name: self.metadata[name] for name in names if name in self.metadata}
        return values | {"text": self.text, "category": Category(self.metadata["category"])}


def record_id(version: str, content_id: str) -> str:
    """Return the id of the record that holds the window or document in this version."""
    return identifier(version, content_id)


def window_records(
    partition: IndexPartition, version: str
) -> Iterator[tuple[Category, list[Record]]]:
    """Yield each category's windows as records."""
    place_of = {chunk.chunk_id: at for at, chunk in enumerate(partition.chunks)}
    for category, rows in rows_by_category(partition).items():
        records = []
        for row in rows:
            window = partition.windows[row]
            place = place_of[window.chunk_id]
            chunk = partition.chunks[place]
            metadata = _metadata(chunk, version, row) | {
                "chunk_place": place,
                "window_start": window.start,
                "window_end": window.end,
                "window_title": window.title,
                "window_tokens": window.tokens,
            }
            key = record_id(version, window.window_id)
            records.append(Record(key, metadata, chunk.text, partition.vectors[row]))
        yield category, records


def document_records(
    partition: IndexPartition, version: str
) -> Iterator[tuple[Category, list[Record]]]:
    """Yield each category's documents as records."""
    for category in Category:
        yield (
            category,
            [
                Record(
                    record_id(version, document.document_id),
                    _metadata(document, version, place),
                    document.text,
                )
                for place, document in enumerate(partition.documents)
                if document.category is category
            ],
        )


def _metadata(row: Chunk | CleanedDocument, version: str, place: int) -> dict[str, Any]:
    values = {name: value for name, value in asdict(row).items() if value is not None}
    del values["text"]
    return values | {"category": row.category.value, "version": version, "place": place}


def assemble(
    manifest: Manifest, windows: Iterable[Record], documents: Iterable[Record]
) -> IndexPartition:
    """Return the partition that the records were made of.

    Raises:
        IndexCorruptedError: records of one chunk differ in it.
    """
    ordered = sorted(windows, key=_place)
    chunks = {record.metadata["chunk_place"]: record.chunk for record in ordered}
    if any(record.chunk != chunks[record.metadata["chunk_place"]] for record in ordered):
        raise damaged(manifest)
    return IndexPartition(
        author=manifest.author,
        documents=[record.document for record in sorted(documents, key=_place)],
        chunks=[chunks[place] for place in sorted(chunks)],
        windows=[record.window for record in ordered],
        vectors=stack(ordered, manifest.model.dimension),
        model=manifest.model,
        chunking=manifest.chunking,
        data_version=manifest.data_version,
        run_id=manifest.run_id,
        upstream=manifest.upstream,
    )


def _place(record: Record) -> int:
    return int(record.metadata["place"])


def stack(records: Sequence[Record], dimension: int) -> Vectors:
    """Return the records' vectors as one float32 array (records, dimension)."""
    return np.array([record.vector for record in records], dtype=np.float32).reshape(-1, dimension)


def digest_of(partition: IndexPartition, *, vectors: bool = True) -> str:
    """Return a digest of every row of the partition.

    Args:
        partition: the partition.
        vectors: whether the vectors count, which a server may keep less exactly.
    """
    digest = hashlib.sha256()
    for row in (*partition.documents, *partition.chunks, *partition.windows):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    if vectors:
        digest.update(np.ascontiguousarray(partition.vectors).tobytes())
    return digest.hexdigest()


def damaged(manifest: Manifest) -> IndexCorruptedError:
    """Return the fault of a version whose records are not those that were published."""
    author = manifest.author.slug
    return IndexCorruptedError(
        f"The records of index version {manifest.version} of {author} do not match its manifest. "
        f"Run `twin build --author {author}` to make a new version."
    )


def refuse_dimension(name: str, kept: int, given: int) -> None:
    """Refuse vectors of another dimension than those that a collection holds.

    Raises:
        IndexCorruptedError: the dimensions differ.
    """
    if kept != given:
        raise IndexCorruptedError(
            f"The collection {name} holds vectors of {kept} dimensions, and these have {given}: "
            "they come from different embedding models. Set TWIN_EMBEDDING_MODEL back, or delete "
            "the collections and run `twin build`."
        )


def first_of_each_chunk(hits: Iterable[Hit], k: int) -> list[Hit]:
    """Return the first hit of each of the first ``k`` chunks."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.chunk.chunk_id, hit)
        if len(best) == k:
            break
    return list(best.values())


def compared(
    vectors: Vectors, records: Sequence[Record], matches: Sequence[WordMatch]
) -> list[list[Hit]] | None:
    """Return for each vector the matched chunks with the cosine of their best window, in order.

    Args:
        vectors: float32 (questions, dimension).
        records: the windows of the chunks, with their vectors.
        matches: the chunks.

    Returns:
        None where a chunk has no record.
    """
    scores = vectors @ stack(records, vectors.shape[1]).T
    found: list[dict[str, Hit]] = [{} for _ in vectors]
    for hits, line in zip(found, scores, strict=True):
        for at in np.argsort(line).tolist():  # ascending: the best window is kept
            hits[records[at].metadata["chunk_id"]] = records[at].hit(float(line[at]))
    ids = [match.chunk_id for match in matches]
    if any(chunk_id not in hits for hits in found for chunk_id in ids):
        return None
    return [[hits[chunk_id] for chunk_id in ids] for hits in found]
