"""The embedded raw store: one SQLite file in WAL mode, readable while a crawl writes."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from pathlib import Path

from twin_assets.documents import Author, Category, Outcome, RawDocument, Visit
from twin_assets.errors import StorageError
from twin_assets.raw_store import COLLECTIONS, UpsertCounts
from twin_assets.raw_store.sqlite_schema import MIGRATIONS
from twin_assets.sqlite_files import compact

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
_VISIT_FIELDS = tuple(field.name for field in fields(Visit))
_BATCH = 500  # documents a transaction: bounded memory, and readers never wait long
_OF_AUTHORS = (*COLLECTIONS.values(), "visits")  # tables with rows of an author


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
            self._migrate()

    def _migrate(self) -> None:
        """Bring the file to the newest version, one process at a time."""
        if self._version() == len(MIGRATIONS):
            return
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            for statements in MIGRATIONS[self._version() :]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        has_tables = self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        # the first files carried no number
        return max(int(version), 1) if has_tables else 0

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The raw store {self._path} cannot be used: {error}. "
                "Check TWIN_HOME and the rights and free space of its folder."
            ) from error

    def describe(self) -> str:
        """See :meth:`RawStore.describe`."""
        return f"SQLite {sqlite3.sqlite_version} at {self._path}"

    def put_author(self, author: Author) -> None:
        """See :meth:`RawStore.put_author`."""
        with self._faults(), self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = next((one for one in self.authors() if one.slug == author.slug), None)
            connection.execute(
                "INSERT INTO users (slug, name, aliases, sample, sources) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (slug) DO UPDATE SET name = excluded.name, sources = excluded.sources,"
                " aliases = excluded.aliases, sample = excluded.sample",
                (
                    author.slug,
                    author.name,
                    json.dumps(author.aliases),
                    author.sample,
                    json.dumps(author.sources),
                ),
            )
            if known != author and (known is not None or author.sources):
                self._raise_revision(connection, author.slug)

    def authors(self) -> list[Author]:
        """See :meth:`RawStore.authors`."""
        with self._faults():
            rows = self._connection.execute(
                "SELECT slug, name, aliases, sample, sources FROM users ORDER BY slug"
            ).fetchall()
        return [
            Author(slug, name, tuple(json.loads(aliases)), bool(sample), tuple(json.loads(sources)))
            for slug, name, aliases, sample, sources in rows
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
            self._raise_revision(connection, author)
        return UpsertCounts(outcomes["new"], outcomes["changed"], outcomes["unchanged"])

    @staticmethod
    def _raise_revision(connection: sqlite3.Connection, author: str) -> None:
        # counted apart from the users, so that no number comes again when one is forgotten
        connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'revision'")
        connection.execute(
            "UPDATE users SET revision = (SELECT value FROM counters WHERE name = 'revision') "
            "WHERE slug = ?",
            (author,),
        )

    @staticmethod
    def _upsert_one(connection: sqlite3.Connection, document: RawDocument) -> str:
        name = COLLECTIONS[document.category]
        key = (document.author, document.link)
        content_hash = document.content_hash
        stored = connection.execute(
            f"SELECT content_hash, gone FROM {name} WHERE author = ? AND link = ?",  # noqa: S608
            key,
        ).fetchone()
        if stored == (content_hash, 0):
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

    def mark_gone(self, author: str, links: Iterable[str]) -> int:
        """See :meth:`RawStore.mark_gone`."""
        keys = [(author, link) for link in links]
        with self._faults(), self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            marked = sum(
                connection.executemany(
                    f"UPDATE {name} SET gone = 1 WHERE author = ? AND link = ? AND NOT gone",  # noqa: S608
                    keys,
                ).rowcount
                for name in (COLLECTIONS.values() if keys else ())
            )
            if marked:
                self._raise_revision(connection, author)
        return marked

    def documents(self, author: str) -> Iterator[RawDocument]:
        """See :meth:`RawStore.documents`; rows are read as they are asked for."""
        for category, name in COLLECTIONS.items():
            with self._faults():
                rows = self._connection.execute(
                    f"SELECT {', '.join(_FIELDS)} FROM {name} "  # noqa: S608
                    "WHERE author = ? AND NOT gone ORDER BY link",
                    (author,),
                )
                for row in rows:
                    yield RawDocument(category=category, **dict(zip(_FIELDS, row, strict=True)))

    def count(self, author: str) -> dict[Category, int]:
        """See :meth:`RawStore.count`."""
        with self._faults():
            return {
                category: self._connection.execute(
                    f"SELECT COUNT(*) FROM {name} WHERE author = ? AND NOT gone",  # noqa: S608
                    (author,),
                ).fetchone()[0]
                for category, name in COLLECTIONS.items()
            }

    def hashes(self, author: str, prefix: str) -> dict[str, str]:
        """See :meth:`RawStore.hashes`."""
        found: dict[str, str] = {}
        with self._faults():
            for name in COLLECTIONS.values():
                found |= self._connection.execute(
                    f"SELECT link, content_hash FROM {name} "  # noqa: S608
                    "WHERE author = ? AND NOT gone AND substr(link, 1, ?) = ?",
                    (author, len(prefix), prefix),
                ).fetchall()
        return found

    def visits(self, author: str) -> dict[str, Visit]:
        """See :meth:`RawStore.visits`."""
        with self._faults():
            rows = self._connection.execute(
                f"SELECT {', '.join(_VISIT_FIELDS)} FROM visits WHERE author = ? ORDER BY link",  # noqa: S608
                (author,),
            ).fetchall()
        visits = (dict(zip(_VISIT_FIELDS, row, strict=True)) for row in rows)
        return {
            visit["link"]: Visit(
                **visit
                | {
                    "outcome": Outcome(visit["outcome"]),
                    "documents": tuple(json.loads(visit["documents"])),
                }
            )
            for visit in visits
        }

    def put_visits(self, visits: Iterable[Visit]) -> None:
        """See :meth:`RawStore.put_visits`."""
        rows = [
            [
                json.dumps(value) if name == "documents" else value
                for name in _VISIT_FIELDS
                for value in (getattr(visit, name),)
            ]
            for visit in visits
        ]
        with self._faults(), self._connection as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO visits ({', '.join(_VISIT_FIELDS)}) "  # noqa: S608
                f"VALUES ({', '.join('?' * len(_VISIT_FIELDS))})",
                rows,
            )

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

    def traces(self, author: str) -> int:
        """See :meth:`RawStore.traces`."""
        with self._faults():
            return sum(
                int(self._connection.execute(query, (author,)).fetchone()[0])
                for query in (
                    "SELECT COUNT(*) FROM users WHERE slug = ?",
                    *(f"SELECT COUNT(*) FROM {name} WHERE author = ?" for name in _OF_AUTHORS),  # noqa: S608
                )
            )

    def forget(self, author: str) -> None:
        """See :meth:`RawStore.forget`; the words are in no free page of the file either.

        Raises:
            StorageError: another process reads what is to be removed. The author's own record
                stays then, so that forgetting can be repeated.
        """
        with self._faults():
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                for name in _OF_AUTHORS:
                    connection.execute(f"DELETE FROM {name} WHERE author = ?", (author,))  # noqa: S608
            if not compact(self._connection.execute):
                raise StorageError(
                    f"Another process reads {self._path}, and keeps what was removed. "
                    "Wait for it, or end it, and forget the author again."
                )
            with self._connection as connection:
                connection.execute("DELETE FROM users WHERE slug = ?", (author,))
            compact(self._connection.execute)

    def close(self) -> None:
        """See :meth:`RawStore.close`."""
        self._connection.close()
