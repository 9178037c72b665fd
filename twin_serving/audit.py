"""The audit trail: one row for every question, in TWIN_HOME/audit.db."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Literal, NamedTuple

from twin_assets.errors import BadInputError, StorageError
from twin_assets.settings import TwinSettings
from twin_assets.sqlite_files import compact

Vote = Literal["up", "down"]

_PRUNE_SECONDS = 3600.0
_BUSY_SECONDS = 10.0
# An answer's row has kilobytes, so what is counted over months stands in an index of its own.
_FACTS = ", ".join(
    [
        "json_extract(row, '$.seconds')",
        "json_extract(row, '$.stages')",
        "json_extract(row, '$.provider')",
        "json_extract(row, '$.author')",
        "json_extract(row, '$.authors')",
        "json_extract(row, '$.chunk_ids[0]') IS NOT NULL",
        "json_extract(row, '$.fault') IS NOT NULL",
        "json_extract(row, '$.compliant')",
    ]
)
# From one version of the file to the next; the first files carried no number.
_MIGRATIONS = (
    (
        """CREATE TABLE IF NOT EXISTS questions (
        id TEXT PRIMARY KEY, at TEXT NOT NULL, row TEXT NOT NULL,
        vote TEXT, comment TEXT, source TEXT
        ) STRICT""",
        """CREATE TABLE IF NOT EXISTS question_authors (
        author TEXT NOT NULL, id TEXT NOT NULL REFERENCES questions ON DELETE CASCADE,
        PRIMARY KEY (author, id)
        ) STRICT, WITHOUT ROWID""",
        f"ALTER TABLE questions ADD COLUMN facts TEXT AS (json_array({_FACTS}))",
        "CREATE INDEX questions_facts ON questions (at, facts, vote)",
        "DROP INDEX IF EXISTS questions_at",
    ),
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the asker made of an answer; ``source`` is the link that should have been cited."""

    vote: Vote | None = None
    comment: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A question and what became of it.

    ``at`` is an ISO 8601 time in UTC, ``through`` the surface that it was asked at, ``authors``
    those whose passages were found, ``versions`` the index version of each author that was
    searched, ``stages`` the seconds of each, ``finish`` how the model ended, ``fault`` why there is
    no answer, or no whole one. Where only passages were asked for, there is no ``provider``.
    ``searched`` is the question as it was searched for, where that is not as it was asked, and
    ``cited`` are the ids of the documents that the answer cites.
    """

    id: str
    at: str
    through: str
    question: str
    searched: str | None = None
    author: str | None = None
    authors: tuple[str, ...] = ()
    backend: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    chunk_ids: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    provider: str | None = None
    model: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    answer: str = ""
    finish: str | None = None
    fault: str | None = None
    compliant: bool | None = None
    policy_reason: str | None = None
    feedback: Feedback | None = None


class Fact(NamedTuple):
    """What is counted of a question: no word of it, and none of the answer's.

    ``at``, ``seconds``, ``stages``, ``provider``, ``author`` and ``authors`` are the row's.
    ``found`` is whether there was any passage, ``failed`` whether something went wrong; truth is 1.
    A tuple, since a hundred thousand of them are made at once.
    """

    at: str
    seconds: float
    stages: Mapping[str, float]
    provider: str | None
    author: str | None
    authors: Sequence[str]
    found: int
    failed: int
    compliant: int | None
    vote: Vote | None


_LISTS = ("authors", "chunk_ids", "cited")
_ROW = [one.name for one in fields(AuditEntry) if one.name not in ("id", "at", "feedback")]


class AuditLog:
    """Reads and writes the audit trail; safe to use from several threads and processes."""

    def __init__(self, path: Path, keep_days: int) -> None:
        """Use the file at ``path``; rows older than ``keep_days`` go as new ones come."""
        self._path = path
        self._keep = timedelta(days=keep_days)
        self._lock = threading.Lock()
        self._pruned = -_PRUNE_SECONDS

    def record(self, entry: AuditEntry) -> None:
        """Add a row.

        Raises:
            StorageError: the file cannot be written.
        """
        row = json.dumps({name: getattr(entry, name) for name in _ROW}, ensure_ascii=False)
        authors = {*entry.authors, *([entry.author] if entry.author else [])}
        with self._transaction() as database:
            database.execute(
                "INSERT INTO questions (id, at, row) VALUES (?, ?, ?)", (entry.id, entry.at, row)
            )
            database.executemany(
                "INSERT INTO question_authors VALUES (?, ?)",
                [(author, entry.id) for author in sorted(authors)],
            )
            if monotonic() - self._pruned > _PRUNE_SECONDS:
                oldest = (datetime.now(UTC) - self._keep).isoformat(timespec="milliseconds")
                database.execute("DELETE FROM questions WHERE at < ?", (oldest,))
                self._pruned = monotonic()

    def give_feedback(self, question_id: str, feedback: Feedback) -> None:
        """Keep what the asker made of the answer, in the place of what was said before.

        Raises:
            BadInputError: there is no such question.
            StorageError: the file cannot be written.
        """
        with self._transaction() as database:
            changed = database.execute(
                "UPDATE questions SET vote = ?, comment = ?, source = ? WHERE id = ?",
                (feedback.vote, feedback.comment, feedback.source, question_id),
            ).rowcount
        if not changed:
            raise BadInputError(
                f"There is no question {question_id!r} in the audit trail; it may be older than "
                f"{self._keep.days} days (TWIN_AUDIT_DAYS)."
            )

    def entries(
        self, limit: int | None = None, author: str | None = None, *, judged: bool = False
    ) -> Iterator[AuditEntry]:
        """Yield the rows, the newest first.

        Args:
            limit: rows at most.
            author: a slug: only questions about this author, or answered from what they wrote.
            judged: only questions that somebody gave feedback on.

        Raises:
            StorageError: the file cannot be read.
        """
        wanted = ["id IN (SELECT id FROM question_authors WHERE author = ?)"] if author else []
        wanted += ["(vote IS NOT NULL OR source IS NOT NULL)"] if judged else []
        where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
        values = ([author] if author else []) + ([limit] if limit is not None else [])
        most = "LIMIT ?" if limit is not None else ""
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT id, at, row, vote, comment, source FROM questions {where} "  # noqa: S608
                f"ORDER BY at DESC, id {most}",
                values,
            ).fetchall()
        for row in rows:
            yield _entry(row)

    def facts(self, since: str) -> Iterator[Fact]:
        """Yield what is counted of each row from the ISO 8601 time on, the oldest first.

        Raises:
            StorageError: the file cannot be read.
        """
        with self._transaction() as database:
            rows = database.execute(
                "SELECT at, facts, vote FROM questions INDEXED BY questions_facts "
                "WHERE at >= ? ORDER BY at",
                (since,),
            ).fetchall()
        for at, facts, vote in rows:
            yield Fact._make((at, *json.loads(facts), vote))

    def traces(self, author: str) -> int:
        """Return how many rows there are of the author.

        Raises:
            StorageError: the file cannot be read.
        """
        if not self._path.exists():
            return 0
        with self._transaction() as database:
            (count,) = database.execute(
                "SELECT count(*) FROM question_authors WHERE author = ?", (author,)
            ).fetchone()
        return int(count)

    def forget(self, author: str) -> None:
        """Remove the rows of the author, and what SQLite leaves of them in the file.

        Raises:
            StorageError: the file cannot be written.
        """
        if not self._path.exists():
            return
        with self._transaction() as database:
            database.execute(
                "DELETE FROM questions WHERE id IN "
                "(SELECT id FROM question_authors WHERE author = ?)",
                (author,),
            )
        with self._open() as database:
            compact(database.execute)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database, database:
            database.execute("BEGIN")
            yield database

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
                try:
                    database.execute("PRAGMA journal_mode=WAL")
                    database.execute("PRAGMA foreign_keys=ON")
                    _migrate(database)
                    yield database
                finally:
                    database.close()
            except (sqlite3.Error, OSError) as error:
                raise StorageError(
                    f"The audit trail {self._path} cannot be used: {error}. Free space, check its "
                    "rights, or switch it off (TWIN_AUDIT=false)."
                ) from None


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the file to the newest version, one process at a time."""
    if _version(database) == len(_MIGRATIONS):
        return
    with database:
        database.execute("BEGIN IMMEDIATE")
        for statements in _MIGRATIONS[_version(database) :]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def open_audit_log(settings: TwinSettings) -> AuditLog:
    """Return the audit trail of the home that the settings name; it may not be there yet."""
    return AuditLog(settings.root / "audit.db", settings.audit_days)


def entry_dict(entry: AuditEntry) -> dict[str, Any]:
    """Return the entry as JSON takes it."""
    values = {one.name: getattr(entry, one.name) for one in fields(entry)}
    values |= {name: list(values[name]) for name in _LISTS}
    given = entry.feedback
    values["feedback"] = given and {one.name: getattr(given, one.name) for one in fields(given)}
    return values


def _entry(found: Any) -> AuditEntry:
    question_id, at, row, vote, comment, source = found
    values = json.loads(row)
    values |= {name: tuple(values[name]) for name in _LISTS if name in values}
    given = Feedback(vote, comment, source) if vote or comment or source else None
    return AuditEntry(id=question_id, at=at, feedback=given, **values)
