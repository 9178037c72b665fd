"""The embedded raw store: one SQLite file in WAL mode, readable while a crawl writes."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from twin_assets.documents import Author, Category, RawDocument
from twin_assets.errors import StorageError
from twin_assets.raw_store import UpsertCounts

COLLECTIONS = {
    Category.ARTICLE: "articles",
    Category.POST: "posts",
    Category.REPOSITORY: "repositories",
}
_FIELDS = (
    "author",
    "link",
    "platform",
    "title",
    "subtitle",
    "text",
    "language",
    "published_at",
    "path",
)
_BATCH = 500  # documents a transaction: bounded memory, and readers never wait long

_USERS = """
CREATE TABLE IF NOT EXISTS users (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL,
    sample INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0
)"""
_USERS_BY_REVISION = "CREATE INDEX IF NOT EXISTS users_by_revision ON users (revision)"
_COLLECTION = """
CREATE TABLE IF NOT EXISTS {name} (
    author TEXT NOT NULL REFERENCES users (slug),
    link TEXT NOT NULL,
    platform TEXT NOT NULL,
    title TEXT NOT NULL,
    subtitle TEXT,
    text TEXT NOT NULL,
    language TEXT,
    published_at TEXT,
    path TEXT,
    content_hash TEXT NOT NULL,
    PRIMARY KEY (author, link)
)"""


class SqliteRawStore:
    """A :class:`~twin_assets.raw_store.RawStore` in one file."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it and its tables when they are missing.

        Raises:
            StorageError: the folder or the file cannot be written, or is not a SQLite database.
        """
        self._path = path
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            with self._connection:
                self._connection.execute(_USERS)
                self._connection.execute(_USERS_BY_REVISION)
                for name in COLLECTIONS.values():
                    self._connection.execute(_COLLECTION.format(name=name))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The raw store {self._path} cannot be used: {error}. "
                "Check TWIN_HOME and the rights and free space of its folder."
            ) from error

    def put_author(self, author: Author) -> None:
        """See :meth:`RawStore.put_author`."""
        with self._faults(), self._connection as connection:
            connection.execute(
                "INSERT INTO users (slug, name, aliases, sample) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (slug) DO UPDATE SET name = excluded.name, "
                "aliases = excluded.aliases, sample = excluded.sample",
                (author.slug, author.name, json.dumps(author.aliases), author.sample),
            )

    def authors(self) -> list[Author]:
        """See :meth:`RawStore.authors`."""
        with self._faults():
            rows = self._connection.execute(
                "SELECT slug, name, aliases, sample FROM users ORDER BY slug"
            ).fetchall()
        return [
            Author(slug, name, tuple(json.loads(aliases)), bool(sample))
            for slug, name, aliases, sample in rows
        ]

    def upsert(self, documents: Iterable[RawDocument]) -> UpsertCounts:
        """See :meth:`RawStore.upsert`; written in batches of 500, each one transaction."""
        total = UpsertCounts()
        stream = iter(documents)
        while batch := list(islice(stream, _BATCH)):
            with self._faults(), self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                total += self._upsert_batch(connection, batch)
        return total

    def _upsert_batch(
        self, connection: sqlite3.Connection, batch: list[RawDocument]
    ) -> UpsertCounts:
        outcomes: Counter[str] = Counter()
        touched: set[str] = set()
        for document in batch:
            outcome = self._upsert_one(connection, document)
            outcomes[outcome] += 1
            if outcome != "unchanged":
                touched.add(document.author)
        for author in sorted(touched):
            connection.execute(
                "UPDATE users SET revision = (SELECT MAX(revision) + 1 FROM users) WHERE slug = ?",
                (author,),
            )
        return UpsertCounts(outcomes["new"], outcomes["changed"], outcomes["unchanged"])

    @staticmethod
    def _upsert_one(connection: sqlite3.Connection, document: RawDocument) -> str:
        name = COLLECTIONS[document.category]
        key = (document.author, document.link)
        content_hash = document.content_hash
        stored = connection.execute(
            f"SELECT content_hash FROM {name} WHERE author = ? AND link = ?",  # noqa: S608
            key,
        ).fetchone()
        if stored is not None and stored[0] == content_hash:
            return "unchanged"
        changed = stored is not None
        for other in COLLECTIONS.values():  # a document whose category changed moves
            if other != name:
                moved = connection.execute(
                    f"DELETE FROM {other} WHERE author = ? AND link = ?",  # noqa: S608
                    key,
                )
                changed = changed or moved.rowcount > 0
        columns = (*_FIELDS, "content_hash")
        values = (*(getattr(document, field) for field in _FIELDS), content_hash)
        connection.execute(
            f"INSERT OR REPLACE INTO {name} ({', '.join(columns)}) "  # noqa: S608
            f"VALUES ({', '.join('?' * len(columns))})",
            values,
        )
        return "changed" if changed else "new"

    def documents(self, author: str) -> Iterator[RawDocument]:
        """See :meth:`RawStore.documents`; rows are read as they are asked for."""
        for category, name in COLLECTIONS.items():
            with self._faults():
                rows = self._connection.execute(
                    f"SELECT {', '.join(_FIELDS)} FROM {name} "  # noqa: S608
                    "WHERE author = ? ORDER BY link",
                    (author,),
                )
                for row in rows:
                    yield RawDocument(category=category, **dict(zip(_FIELDS, row, strict=True)))

    def count(self, author: str) -> dict[Category, int]:
        """See :meth:`RawStore.count`."""
        with self._faults():
            return {
                category: self._connection.execute(
                    f"SELECT COUNT(*) FROM {name} WHERE author = ?",  # noqa: S608
                    (author,),
                ).fetchone()[0]
                for category, name in COLLECTIONS.items()
            }

    def revision(self, author: str) -> int:
        """See :meth:`RawStore.revision`."""
        with self._faults():
            row = self._connection.execute(
                "SELECT revision FROM users WHERE slug = ?", (author,)
            ).fetchone()
        return int(row[0]) if row else 0

    def changed_since(self, revision: int) -> dict[str, int]:
        """See :meth:`RawStore.changed_since`."""
        with self._faults():
            return dict(
                self._connection.execute(
                    "SELECT slug, revision FROM users WHERE revision > ? ORDER BY revision",
                    (revision,),
                ).fetchall()
            )

    def close(self) -> None:
        """See :meth:`RawStore.close`."""
        self._connection.close()
