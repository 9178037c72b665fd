"""Between assets, data rests as Parquet: one file an asset and author, replaced atomically.

The files stand in a folder of this machine, or below a URL in an S3 bucket.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twin_assets.buckets import BucketPath, is_unanswered
from twin_assets.errors import StorageError, StorageUnavailableError
from twin_assets.files import replacing

Row = TypeVar("Row")
Vectors = npt.NDArray[np.float32]

_TYPES: Mapping[type, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64()}


Location = Path | BucketPath
_PARQUET, _LENGTH = b"PAR1", 4  # https://parquet.apache.org/docs/file-format/


def artifact_path(folder: Location, asset: str, author: str) -> Location:
    """Return where the asset's rows of one author rest."""
    return folder / f"{asset}/{author}.parquet"


def author_files(folder: Location, author: str) -> list[Location]:
    """Return the author's files of every asset, with those that a killed writer left behind.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    name = f"{author}.parquet"
    return [
        path
        for path in _files(folder)
        if path.name == name or (path.name.startswith(f".{name}.") and path.name.endswith(".tmp"))
    ]


def asset_files(folder: Location, asset: str) -> list[Location]:
    """Return the asset's files, one an author.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    return [path for path in _files(folder / asset) if path.name.endswith(".parquet")]


def remove(path: Location) -> None:
    """Remove the file, if it is there.

    Raises:
        StorageError: it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _fault(path, "removed", error, _check(path)) from None


def _files(folder: Location) -> Iterator[Location]:
    """Yield every file below the folder."""
    if isinstance(folder, Path):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
        return
    try:
        yield from folder.files()
    except OSError as error:
        raise _fault(folder, "listed", error, _check(folder)) from None


def write_rows(path: Location, row_type: type[Row], rows: Sequence[Row]) -> None:
    """Write the rows of one data class; fields are str, int, float or string enums, or None.

    Raises:
        StorageError: the file cannot be written; the one before stays.
    """
    _write(path, to_table(row_type, rows))


def read_rows(path: Location, row_type: type[Row]) -> list[Row]:
    """Read what :func:`write_rows` wrote.

    Raises:
        StorageError: the file is missing or is not readable as rows of this type.
    """
    return from_table(row_type, _read(path, list(_types(row_type))))


def to_table(row_type: type[Row], rows: Sequence[Row]) -> pa.Table:
    """Return the rows of one data class as columns; see :func:`write_rows`."""
    schema = pa.schema([_field(name, hint) for name, hint in _types(row_type).items()])
    columns = [
        pa.array([getattr(row, name) for row in rows], type=schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)


def from_table(row_type: type[Row], table: pa.Table) -> list[Row]:
    """Return what :func:`to_table` was given.

    Raises:
        KeyError: the table lacks a column of the class.
    """
    columns = [
        _restore(table.column(name).to_pylist(), hint) for name, hint in _types(row_type).items()
    ]
    return [row_type(*values) for values in zip(*columns, strict=True)]


def write_vectors(path: Location, ids: Sequence[str], vectors: Vectors) -> None:
    """Write one vector a row beside its id; ``vectors`` has shape (ids, dimension), float32.

    Raises:
        StorageError: the file cannot be written; the one before stays.
    """
    values = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(values, vectors.shape[1])
    _write(path, pa.table({"window_id": pa.array(ids, pa.string()), "vector": column}))


def read_vectors(path: Location) -> tuple[list[str], Vectors]:
    """Read what :func:`write_vectors` wrote: the ids and a float32 array (ids, dimension).

    Raises:
        StorageError: the file is missing or unreadable.
    """
    table = _read(path, ["window_id", "vector"])
    ids: list[str] = table.column("window_id").to_pylist()  # type: ignore[assignment]
    dimension: int = table.schema.field("vector").type.list_size
    flat = pc.list_flatten(table.column("vector")).to_numpy()
    return ids, flat.reshape(len(ids), dimension)


def is_readable(path: Location) -> bool:
    """Tell whether the file is there and its end, where Parquet says what is in it, is whole.

    Of a file on this machine the signs at both ends and the length between them are looked at:
    thousands of files are asked about at once, and to parse them takes twenty times as long.
    """
    try:
        if isinstance(path, Path):
            with path.open("rb") as file:
                begins = file.read(len(_PARQUET))
                size = file.seek(-len(_PARQUET) - _LENGTH, os.SEEK_END)
                length = int.from_bytes(file.read(_LENGTH), "little")
                return begins == file.read() == _PARQUET and len(_PARQUET) + length <= size
        pq.read_metadata(path.path, filesystem=path.filesystem)
    except (OSError, pa.ArrowException):
        return False
    return True


def _types(row_type: type) -> Mapping[str, Any]:
    """Return the type of each field, in order."""
    hints = get_type_hints(row_type)
    return {field.name: hints[field.name] for field in fields(row_type)}


def _field(name: str, hint: Any) -> "pa.Field[Any]":
    nullable = isinstance(hint, UnionType)
    if nullable:
        hint = next(option for option in get_args(hint) if option is not type(None))
    if issubclass(hint, StrEnum):
        hint = str
    return pa.field(name, _TYPES[hint], nullable=nullable)


def _restore(values: list[Any], hint: Any) -> list[Any]:
    is_enum = isinstance(hint, type) and issubclass(hint, StrEnum)
    return [hint(value) for value in values] if is_enum else values


def _write(path: Location, table: pa.Table) -> None:
    try:
        if isinstance(path, Path):
            with replacing(path) as temporary:
                pq.write_table(table, temporary, compression="zstd")
        else:
            buffer = pa.BufferOutputStream()
            pq.write_table(table, buffer, compression="zstd")
            path.write(buffer.getvalue())
    except (OSError, pa.ArrowException) as error:
        raise _fault(path, "written", error, _check(path)) from error


def _read(path: Location, columns: Sequence[str]) -> pa.Table:
    try:
        if isinstance(path, Path):
            return pq.read_table(path, columns=list(columns), memory_map=True)
        return pq.read_table(path.path, columns=list(columns), filesystem=path.filesystem)
    except (OSError, pa.ArrowException) as error:
        raise _fault(path, "read", error, "Run `twin build` to make it again.") from error


def _check(path: Location) -> str:
    if isinstance(path, Path):
        return "Check the rights and free space of TWIN_HOME."
    return "Check TWIN_ARTIFACTS and its keys."


def _fault(path: Location, verb: str, error: Exception, advice: str) -> StorageError:
    reason = getattr(error, "strerror", None) or error
    if is_unanswered(error):
        return StorageUnavailableError(f"{path} cannot be {verb}: {reason}. {_check(path)}")
    return StorageError(f"{path} cannot be {verb}: {reason}. {advice}")
