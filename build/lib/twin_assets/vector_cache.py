"""Vectors computed before, by the text's hash: shared by every run and author of one model."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.errors import StorageError
from twin_assets.sqlite_files import compact

_LOOKUP = 500  # SQLite's oldest limit on bound variables is 999


class VectorCache:
    """One SQLite file for one model and precision; several processes may use it at once."""

    def __init__(self, folder: Path, fingerprint: str, dimension: int) -> None:
        """Open the cache of the model with this fingerprint; make it when it is missing.

        Raises:
            StorageError: the file cannot be used.
        """
        self._path = folder / f"{fingerprint}.db"
        self._dimension = dimension
        with _faults(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=30)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (text_hash BLOB PRIMARY KEY, vector BLOB) "
                "WITHOUT ROWID"
            )

    def get(self, text_hashes: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors that are there, by text hash; each has shape (dimension,)."""
        found: dict[str, Vectors] = {}
        for at in range(0, len(text_hashes), _LOOKUP):
            keys = [bytes.fromhex(text_hash) for text_hash in text_hashes[at : at + _LOOKUP]]
            marks = ", ".join("?" * len(keys))
            with _faults(self._path):
                rows = self._connection.execute(
                    f"SELECT text_hash, vector FROM vectors WHERE text_hash IN ({marks})",  # noqa: S608
                    keys,
                ).fetchall()
            for key, blob in rows:
                vector = np.frombuffer(blob, dtype="<f4")
                if vector.shape == (self._dimension,):
                    found[key.hex()] = vector
        return found

    def put(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep the vectors, in one transaction."""
        rows = [
            (bytes.fromhex(text_hash), vector.astype("<f4").tobytes())
            for text_hash, vector in vectors.items()
        ]
        with _faults(self._path), self._connection as connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def count_unused(folder: Path, used: Collection[str]) -> int:
    """Return how many vectors of all models' caches belong to no text hash in ``used``.

    Raises:
        StorageError: a cache cannot be read.
    """
    count = 0
    for path in _files(folder):
        with _opened(path) as connection:
            count += len(_unused(connection, used))
    return count


def forget_unused(folder: Path, used: Collection[str]) -> None:
    """Remove the vectors that :func:`count_unused` counts, from the files' free pages too.

    Raises:
        StorageError: a cache cannot be written, or another process reads it.
    """
    for path in _files(folder):
        with _opened(path) as connection:
            with connection:
                connection.executemany(
                    "DELETE FROM vectors WHERE text_hash = ?",
                    [(key,) for key in _unused(connection, used)],
                )
            if not compact(connection.execute):
                raise StorageError(
                    f"Another process reads {path}, and keeps what was removed. "
                    "Wait for it, or end it, and forget the author again."
                )


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.db"))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with _faults(path), closing(sqlite3.connect(path, timeout=30)) as connection:
        yield connection


def _unused(connection: sqlite3.Connection, used: Collection[str]) -> list[bytes]:
    keys = connection.execute("SELECT text_hash FROM vectors").fetchall()
    return [key for (key,) in keys if key.hex() not in used]


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StorageError(
            f"The vector cache {path} cannot be used: {error}. "
            "It only saves time: delete the file and build again."
        ) from error
