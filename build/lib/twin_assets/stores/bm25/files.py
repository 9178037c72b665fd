"""What BM25 needs of one author's version: files of the version's folder, mapped when asked.

::

    bm25.terms.arrow    a row a word, ordered by its hash: the windows it stands in, how often
    bm25.chunks.arrow   a row a chunk, in the partition's order: its id, category, and windows

Windows are numbered through the chunks. Counts are stored, not scores, so that any set of authors
is scored by its own statistics.
"""

from collections import Counter
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twin_assets.documents import Category, Window
from twin_assets.stores import IndexPartition
from twin_assets.stores.manifest import Manifest
from twin_assets.stores.mapped import map_file, unreadable
from twin_assets.words import Hashes, word_hashes, words

TERMS = "bm25.terms.arrow"
CHUNKS = "bm25.chunks.arrow"
CATEGORIES = tuple(Category)

# A title says what the whole document is about. Counted twice it raises BM25's nDCG@10 on
# Cranfield from 0.361 to 0.372, and is neither better nor worse for the handbook's headings.
_TITLE_TIMES = 2

Numbers = npt.NDArray[np.int32]


class Bm25Version:
    """The files of one author's version, which have been verified before."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Map the files; a version of before BM25 has none, and so no words.

        Raises:
            IndexCorruptedError: one is missing.
        """
        self.author = manifest.author.slug
        self.is_there = TERMS in manifest.files
        self._folder = folder
        self._buffers = {
            name: map_file(folder / name) for name in (TERMS, CHUNKS) if name in manifest.files
        }

    @cached_property
    def terms(self) -> Hashes:
        """The words' hashes, ascending: uint64 (words,)."""
        return self._array(TERMS, "term")

    def postings(self, place: int) -> tuple[Numbers, Numbers]:
        """Return the windows that the word in this place stands in, and how often in each."""
        first, last = self._starts[place : place + 2]
        return self._rows[first:last], self._counts[first:last]

    @cached_property
    def lengths(self) -> Numbers:
        """Each window's number of words: int32 (windows,)."""
        if not self.is_there:
            return np.empty(0, np.int32)
        lengths: Numbers = self._column(CHUNKS, "words").values.to_numpy()
        return lengths

    @cached_property
    def firsts(self) -> Numbers:
        """Each chunk's first window, and one past the last: int32 (chunks + 1,)."""
        if not self.is_there:
            return np.zeros(1, np.int32)
        offsets: Numbers = self._column(CHUNKS, "windows").offsets.to_numpy()
        return offsets

    @cached_property
    def categories(self) -> npt.NDArray[np.int8]:
        """Each chunk's category as its place in CATEGORIES: int8 (chunks,)."""
        return self._array(CHUNKS, "category")

    def chunk_id(self, row: int) -> str:
        """Return the id of the chunk in this row."""
        return str(self._table(CHUNKS).column("chunk_id")[row].as_py())

    def window_ids(self, row: int) -> tuple[str, ...]:
        """Return the ids of the chunk's windows."""
        return tuple(self._table(CHUNKS).column("windows")[row].as_py())

    @cached_property
    def rows_of(self) -> dict[str, int]:
        """The row of each chunk, by its id."""
        ids = self._table(CHUNKS).column("chunk_id").to_pylist() if self.is_there else []
        return {str(chunk_id): row for row, chunk_id in enumerate(ids)}

    @cached_property
    def _starts(self) -> Numbers:
        offsets: Numbers = self._column(TERMS, "rows").offsets.to_numpy()
        return offsets

    @cached_property
    def _rows(self) -> Numbers:
        rows: Numbers = self._column(TERMS, "rows").values.to_numpy()
        return rows

    @cached_property
    def _counts(self) -> Numbers:
        counts: Numbers = self._column(TERMS, "counts").values.to_numpy()
        return counts

    def _array(self, name: str, column: str) -> npt.NDArray[Any]:
        if not self.is_there:
            return np.empty(0, np.uint64 if name == TERMS else np.int32)
        values: npt.NDArray[Any] = self._column(name, column).to_numpy()
        return values

    def _column(self, name: str, column: str) -> Any:
        """Return the column without copying it: the file holds one batch."""
        return self._table(name).column(column).chunk(0)

    def _table(self, name: str) -> pa.Table:
        try:
            table = self._tables.get(name)
            if table is None:
                table = self._tables[name] = pa.ipc.open_file(self._buffers[name]).read_all()
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self._folder / name, error) from error
        return table

    @cached_property
    def _tables(self) -> dict[str, pa.Table]:
        return {}


def write_bm25(folder: Path, partition: IndexPartition) -> None:
    """Write the words of the partition's chunks into the version's folder.

    Raises:
        OSError: a file cannot be written.
    """
    postings: dict[str, list[tuple[int, int]]] = {}
    windows: dict[str, list[Window]] = {chunk.chunk_id: [] for chunk in partition.chunks}
    for window in partition.windows:
        windows[window.chunk_id].append(window)
    lengths: dict[str, list[int]] = {chunk_id: [] for chunk_id in windows}
    rows = count()
    for chunk in partition.chunks:
        title = _TITLE_TIMES * words(chunk.title)
        for window in windows[chunk.chunk_id]:
            read = [*title, *words(window.text)]
            lengths[chunk.chunk_id].append(len(read))
            row = next(rows)
            for word, times in Counter(read).items():
                postings.setdefault(word, []).append((row, times))
    found = list(postings)
    hashes = word_hashes(found)
    order = np.argsort(hashes, kind="stable").tolist()
    listed = [postings[found[place]] for place in order]
    starts = pa.array(np.cumsum([0, *(len(some) for some in listed)]), pa.int32())
    flat = np.array([pair for some in listed for pair in some], np.int32).reshape(-1, 2)
    terms = {
        "term": pa.array(hashes[order], pa.uint64()),
        "rows": pa.ListArray.from_arrays(starts, pa.array(flat[:, 0].copy())),
        "counts": pa.ListArray.from_arrays(starts, pa.array(flat[:, 1].copy())),
    }
    window_ids = [[window.window_id for window in some] for some in windows.values()]
    chunks = {
        "chunk_id": pa.array(list(windows), pa.string()),
        "category": pa.array(
            [CATEGORIES.index(chunk.category) for chunk in partition.chunks], pa.int8()
        ),
        "words": pa.array(list(lengths.values()), pa.list_(pa.int32())),
        "windows": pa.array(window_ids, pa.list_(pa.string())),
    }
    _write(folder / TERMS, terms)
    _write(folder / CHUNKS, chunks)


def _write(path: Path, columns: dict[str, Any]) -> None:
    batch = pa.record_batch(columns)
    with path.open("wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
