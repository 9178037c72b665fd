"""Files of a version as memory: nothing is read before it is looked at, no descriptor stays open.

A mapping outlives the removal of its file, so an open snapshot answers after its version is pruned.
"""

from collections.abc import Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Generic

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twin_assets.artifacts import Row, from_table, to_table
from twin_assets.errors import IndexCorruptedError

_LONGEST_HEADER = 4096


class MappedRows(Generic[Row]):
    """Rows of one data class in an Arrow file, decoded a row at a time."""

    def __init__(self, path: Path, row_type: type[Row]) -> None:
        """Map the file; what is in it shows when a row is asked for.

        Raises:
            IndexCorruptedError: it is missing.
        """
        self._path = path
        self._row_type = row_type
        self._buffer = map_file(path)

    def take(self, places: Sequence[int]) -> list[Row]:
        """Return the rows in these places.

        Raises:
            IndexCorruptedError: there is no such place, or the file does not hold such rows.
        """
        try:
            return from_table(self._row_type, self._table.take(pa.array(places, pa.int64())))
        except (pa.ArrowException, IndexError, KeyError, ValueError) as error:
            raise unreadable(self._path, error) from error

    def find(self, field: str, value: str) -> Row | None:
        """Return the first row whose field has the value.

        Raises:
            IndexCorruptedError: the file does not hold such rows.
        """
        try:
            place = pc.index(self._table.column(field), value).as_py()
        except KeyError as error:
            raise unreadable(self._path, error) from error
        return None if place < 0 else self.take([place])[0]

    def all(self) -> list[Row]:
        """Return every row.

        Raises:
            IndexCorruptedError: the file does not hold such rows.
        """
        return self.take(range(self._table.num_rows))

    @cached_property
    def _table(self) -> pa.Table:
        try:
            return pa.ipc.open_file(self._buffer).read_all()
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self._path, error) from error


def write_mappable(path: Path, row_type: type[Row], rows: Sequence[Row]) -> None:
    """Write what :class:`MappedRows` reads: not compressed, so that a row is where it is.

    Raises:
        OSError: the file cannot be written.
    """
    table = to_table(row_type, rows)
    with path.open("wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def map_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the array in an ``.npy`` file, of this type and shape. No pickle is ever loaded.

    Raises:
        IndexCorruptedError: it is missing or holds something else.
    """
    buffer = map_file(path)
    header = BytesIO(buffer.slice(0, min(buffer.size, _LONGEST_HEADER)).to_pybytes())
    try:
        np.lib.format.read_magic(header)
        found, fortran, actual = np.lib.format.read_array_header_1_0(header)
        if (found, actual, fortran) != (shape, np.dtype(dtype), False):
            raise ValueError(f"it holds {actual} of shape {found}, not {np.dtype(dtype)} {shape}")
        count = int(np.prod(shape))
        flat: npt.NDArray[Any] = np.frombuffer(memoryview(buffer), dtype, count, header.tell())
        return flat.reshape(shape)
    except (ValueError, TypeError) as error:
        raise unreadable(path, error) from error


def map_file(path: Path) -> pa.Buffer:
    """Map the file. Python's own ``mmap``, and so NumPy's, would keep its descriptor.

    Raises:
        IndexCorruptedError: it is missing or cannot be mapped.
    """
    try:
        with pa.memory_map(str(path)) as file:
            return file.read_buffer()
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> IndexCorruptedError:
    """Return the fault of a version's file that does not hold what it should."""
    line = " ".join(str(error).split())
    return IndexCorruptedError(
        f"{path} cannot be read: {line}. "
        f"Run `twin build --author {path.parents[2].name}` to make a new version."
    )
