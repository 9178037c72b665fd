"""Where raw documents rest: the collections users, articles, posts and repositories."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from twin_assets.documents import Author, Category, RawDocument
from twin_assets.settings import TwinSettings


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """What an upsert did, in documents."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "UpsertCounts") -> "UpsertCounts":
        return UpsertCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


class RawStore(Protocol):
    """Authors and their raw documents, upserted by link.

    Every write that changes something moves the author's revision to a number higher than any
    revision before it in the whole store. So "what is new since N" is one indexed query, and N is
    the only state a reader has to keep.
    """

    def put_author(self, author: Author) -> None:
        """Register the author, or replace the record with the same slug. Documents stay."""
        ...

    def authors(self) -> list[Author]:
        """Return every author, ordered by slug."""
        ...

    def upsert(self, documents: Iterable[RawDocument]) -> UpsertCounts:
        """Store the documents; one whose link and content are there already costs no write.

        Raises:
            StorageError: the store cannot be written, or an author is not registered.
        """
        ...

    def documents(self, author: str) -> Iterator[RawDocument]:
        """Yield the author's documents, ordered by category and link."""
        ...

    def count(self, author: str) -> dict[Category, int]:
        """Return how many documents of each category the author has."""
        ...

    def revision(self, author: str) -> int:
        """Return the author's revision; 0 when the author is unknown or has no document."""
        ...

    def changed_since(self, revision: int) -> dict[str, int]:
        """Return ``{slug: revision}`` of the authors whose revision is higher."""
        ...

    def close(self) -> None:
        """Release the store."""
        ...


def open_raw_store(settings: TwinSettings) -> RawStore:
    """Open the configured raw store.

    Raises:
        StorageError: it cannot be opened; the message says why.
    """
    from twin_assets.raw_store.sqlite import SqliteRawStore

    return SqliteRawStore(settings.raw_store_path)
