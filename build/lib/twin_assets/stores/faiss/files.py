"""What the FAISS store keeps of one author's version: files that are mapped, not loaded.

::

    documents.arrow  chunks.arrow   a row each
    <collection>.npy                float32, one row a window, author's windows of that category
    <collection>.rows.npy           int32, for each row: place of its chunk, the window's start, end
    <collection>.parquet            the windows, in the rows' order; search does not need them

A category without windows has no files.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin_assets.artifacts import Vectors, read_rows, write_rows
from twin_assets.documents import Category, Chunk, CleanedDocument, Window
from twin_assets.stores import COLLECTIONS, IndexPartition
from twin_assets.stores.bm25.files import Bm25Version
from twin_assets.stores.manifest import Manifest
from twin_assets.stores.mapped import MappedRows, map_array, write_mappable
from twin_assets.stores.versioned import rows_by_category

_DOCUMENTS = "documents.arrow"
_CHUNKS = "chunks.arrow"


class OpenedVersion:
    """One author's version; its files have been verified before."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Map the files.

        Raises:
            IndexCorruptedError: one is missing or is no array of the manifest's shape.
        """
        self.manifest = manifest
        self.author = manifest.author.slug
        self.chunks = MappedRows(folder / _CHUNKS, Chunk)
        self.documents = MappedRows(folder / _DOCUMENTS, CleanedDocument)
        self.bm25 = Bm25Version(folder, manifest)
        self.vectors: dict[Category, Vectors] = {}
        self.rows: dict[Category, npt.NDArray[np.int32]] = {}
        for category, count in manifest.windows.items():
            if count:
                shape = (count, manifest.model.dimension)
                self.vectors[category] = map_array(_vectors(folder, category), np.float32, shape)
                self.rows[category] = map_array(_rows(folder, category), np.int32, (count, 3))


def write_version(folder: Path, partition: IndexPartition) -> None:
    """Write the partition's files into the empty folder.

    Raises:
        OSError: one cannot be written.
        StorageError: the windows cannot be written.
    """
    write_mappable(folder / _DOCUMENTS, CleanedDocument, partition.documents)
    write_mappable(folder / _CHUNKS, Chunk, partition.chunks)
    places = {chunk.chunk_id: place for place, chunk in enumerate(partition.chunks)}
    for category, selected in rows_by_category(partition).items():
        if selected:
            windows = [partition.windows[row] for row in selected]
            rows = [(places[window.chunk_id], window.start, window.end) for window in windows]
            vectors = np.asarray(partition.vectors[selected], np.float32)
            write_rows(_windows(folder, category), Window, windows)
            np.save(_rows(folder, category), np.array(rows, np.int32), allow_pickle=False)
            np.save(_vectors(folder, category), vectors, allow_pickle=False)


def read_version(folder: Path, manifest: Manifest) -> IndexPartition:
    """Return what the version was made of; windows are grouped by category.

    Raises:
        IndexCorruptedError: a file is missing or does not hold what it should.
        StorageError: the windows cannot be read.
    """
    opened = OpenedVersion(folder, manifest)
    categories = [category for category in Category if category in opened.vectors]
    nothing = np.empty((0, manifest.model.dimension), np.float32)
    return IndexPartition(
        author=manifest.author,
        documents=opened.documents.all(),
        chunks=opened.chunks.all(),
        windows=[w for name in categories for w in read_rows(_windows(folder, name), Window)],
        vectors=np.concatenate([nothing, *(opened.vectors[name] for name in categories)]),
        model=manifest.model,
        chunking=manifest.chunking,
        data_version=manifest.data_version,
        run_id=manifest.run_id,
        upstream=manifest.upstream,
    )


def _vectors(folder: Path, category: Category) -> Path:
    return folder / f"{COLLECTIONS[category]}.npy"


def _rows(folder: Path, category: Category) -> Path:
    return folder / f"{COLLECTIONS[category]}.rows.npy"


def _windows(folder: Path, category: Category) -> Path:
    return folder / f"{COLLECTIONS[category]}.parquet"
