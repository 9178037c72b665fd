"""SQLite files without what was deleted from them."""

from collections.abc import Callable
from typing import Any


def compact(execute: Callable[[str], Any]) -> bool:
    """Write the file anew without its free pages, where deleted rows stay readable.

    Outside a transaction. ``execute`` runs one statement and returns its cursor.

    Returns:
        Whether the log beside the file is empty too: a reader in another process keeps it.
    """
    execute("PRAGMA secure_delete=ON")
    execute("VACUUM")
    (busy, *_) = execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
