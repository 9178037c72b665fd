"""The serving pointer of each author, and what it pointed to before.

::

    <root>/<author>/serving.json  the Pointer, replaced by rename
    <root>/changes                new words whenever a pointer moved
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from twin_assets.errors import StorageError
from twin_assets.files import replacing

_POINTER = "serving.json"
_CHANGES = "changes"
_MOST_MOVES = 1000


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which version is served, since when, and what was before.

    ``moves`` are (time, version), oldest first, the last being the served one.
    ``pinned_over`` is the version that was the newest when an earlier one was chosen by hand.
    """

    moves: Annotated[tuple[tuple[AwareDatetime, str], ...], Field(min_length=1)]
    pinned_over: str | None = None

    @property
    def version(self) -> str:
        """The served version."""
        return self.moves[-1][1]

    def at(self, when: datetime) -> str | None:
        """Return the version that was served then, or None before the first."""
        before = [version for time, version in self.moves if time <= when]
        return before[-1] if before else None


_ADAPTER = TypeAdapter(Pointer)


class Pointers:
    """The pointers of all authors below one folder."""

    def __init__(self, root: Path) -> None:
        """Use the folder, which need not be there yet."""
        self._root = root

    def authors(self) -> list[str]:
        """Return the authors that have a pointer, ordered by slug."""
        return sorted(pointer.parent.name for pointer in self._root.glob(f"*/{_POINTER}"))

    def read(self, author: str) -> Pointer | None:
        """Return the author's pointer, if there is a readable one."""
        try:
            return _ADAPTER.validate_json((self._root / author / _POINTER).read_bytes())
        except (OSError, ValidationError):
            return None

    def move(self, author: str, version: str, pinned_over: str | None) -> None:
        """Move the pointer by one rename. The caller keeps other movers of the author away.

        Raises:
            StorageError: the pointer cannot be written; it stays where it was, or, where only the
                rename could not be flushed to the disk, has moved. Or the change of it cannot be
                noted: it has moved.
        """
        before = self.read(author)
        moves = before.moves if before else ()
        if before is None or before.version != version:
            moves += ((datetime.now(UTC), version),)
        pointer = Pointer(moves[-_MOST_MOVES:], pinned_over)
        try:
            with replacing(self._root / author / _POINTER) as temporary:
                temporary.write_bytes(_ADAPTER.dump_json(pointer))
        except OSError as error:
            raise StorageError(
                f"The serving pointer of {author} cannot be moved: {error}. "
                "`twin status` says which version is served."
            ) from error
        try:
            self._note_change()
        except OSError as error:
            raise StorageError(
                f"{author} serves {version} now, but those who have the index open may notice late:"
                f" {error}. Check the rights and free space of TWIN_HOME."
            ) from error

    def remove(self, author: str) -> None:
        """Remove the author's pointer, if there is one.

        Raises:
            OSError: it cannot be removed.
        """
        (self._root / author / _POINTER).unlink(missing_ok=True)
        self._note_change()

    def stamp(self) -> str:
        """Return words that are others once any pointer has moved."""
        try:
            return (self._root / _CHANGES).read_text(encoding="ascii")
        except (OSError, ValueError):
            return ""

    def _note_change(self) -> None:
        if self._root.is_dir():
            temporary = self._root / f".{_CHANGES}.{uuid4().hex}"
            try:
                temporary.write_text(uuid4().hex, encoding="ascii")
                temporary.rename(self._root / _CHANGES)
            finally:
                temporary.unlink(missing_ok=True)
