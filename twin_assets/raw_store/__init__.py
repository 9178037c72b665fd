"""Where raw documents rest: the collections users, articles, posts, repositories and visits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from twin_assets.documents import Author, Category, RawDocument, Visit
from twin_assets.settings import TwinSettings

COLLECTIONS = {
    Category.ARTICLE: "articles",
    Category.POST: "posts",
    Category.REPOSITORY: "repositories",
}


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

    def describe(self) -> str:
        """Return what it is, its version and where, having asked it.

        Raises:
            StorageError: it cannot be asked.
        """
        ...

    def put_author(self, author: Author) -> None:
        """Register the author, or replace the record with the same slug. Documents stay.

        A record that differs from the one before moves the author's revision, and so does a new one
        that has sources to crawl.
        """
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

    def mark_gone(self, author: str, links: Iterable[str]) -> int:
        """Mark the author's documents with these links as gone; return how many were not before.

        A document that is gone stays stored, but is neither yielded nor counted, until it is
        upserted again.
        """
        ...

    def documents(self, author: str) -> Iterator[RawDocument]:
        """Yield the author's documents, ordered by category and link."""
        ...

    def count(self, author: str) -> dict[Category, int]:
        """Return how many documents of each category the author has."""
        ...

    def hashes(self, author: str, prefix: str) -> dict[str, str]:
        """Return ``{link: content hash}`` of the author's documents whose link begins so."""
        ...

    def visits(self, author: str) -> dict[str, Visit]:
        """Return the last visit to each of the author's links, by link."""
        ...

    def put_visits(self, visits: Iterable[Visit]) -> None:
        """Remember the visits, each in the place of the one before to its link."""
        ...

    def revision(self, author: str) -> int:
        """Return the author's revision; 0 when the author is unknown or has no document."""
        ...

    def changed_since(self, revision: int) -> dict[str, int]:
        """Return ``{slug: revision}`` of the authors whose revision is higher."""
        ...

    def traces(self, author: str) -> int:
        """Return how many records of the author there are: what is gone, visits and all."""
        ...

    def forget(self, author: str) -> None:
        """Remove the author's documents and visits, then the author's own record.

        May be repeated. No revision that was given is ever given again.
        """
        ...

    def close(self) -> None:
        """Release the store."""
        ...


def open_raw_store(settings: TwinSettings) -> RawStore:
    """Open the configured raw store.

    Raises:
        BadInputError: TWIN_RAW_STORE cannot be read; the message does not repeat it.
        StorageError: it cannot be opened; the message says why.
    """
    link = settings.raw_store.get_secret_value()
    if link:
        from twin_assets.raw_store.mongo import MongoRawStore

        return MongoRawStore(link)
    from twin_assets.raw_store.sqlite import SqliteRawStore

    return SqliteRawStore(settings.raw_store_path)
