"""The tables of the embedded raw store, and how a file of an earlier version becomes a new one."""

from twin_assets.raw_store import COLLECTIONS

_USERS = """
CREATE TABLE users (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL,
    sample INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0
)"""
_COLLECTION = """
CREATE TABLE {name} (
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
_VISITS = """
CREATE TABLE visits (
    author TEXT NOT NULL REFERENCES users (slug),
    link TEXT NOT NULL,
    source TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    visited_at TEXT NOT NULL,
    documents TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    PRIMARY KEY (author, link)
)"""
# What makes a file of the version before (PRAGMA user_version) one of the next.
MIGRATIONS = (
    (
        _USERS,
        "CREATE INDEX users_by_revision ON users (revision)",
        *(_COLLECTION.format(name=name) for name in COLLECTIONS.values()),
    ),
    (
        "ALTER TABLE users ADD COLUMN sources TEXT NOT NULL DEFAULT '[]'",
        *(
            f"ALTER TABLE {name} ADD COLUMN gone INTEGER NOT NULL DEFAULT 0"
            for name in COLLECTIONS.values()
        ),
        _VISITS,
    ),
    (
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
        "INSERT INTO counters SELECT 'revision', COALESCE(MAX(revision), 0) FROM users",
    ),
)
