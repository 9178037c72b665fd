"""What crawling a source finds, link by link, and what a crawler is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from twin_assets.documents import Author, Outcome, RawDocument, Visit


@dataclass(frozen=True, slots=True)
class Found:
    """One link that was looked at.

    ``documents`` are read once, while they are stored, so that a large archive never stands in
    memory. ``outcome`` is set where it is not for the store to tell: unchanged (304), gone,
    refused, failed. With ``complete``, documents that the link gave before and does not give now
    are gone, as files deleted from a repository are; items that dropped off a feed are not.
    """

    link: str
    documents: Iterable[RawDocument] = ()
    outcome: Outcome | None = None
    detail: str = ""
    etag: str | None = None
    last_modified: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """A source to crawl for an author, and what is known from before.

    ``visits`` are the last visits by link, and ``hashes(prefix)`` the content hashes of the stored
    documents whose links begin so.
    """

    author: Author
    source: str
    visits: Mapping[str, Visit]
    hashes: Callable[[str], Mapping[str, str]]


class Crawler(Protocol):
    """Reads one kind of source. A new platform is one module with one of these."""

    name: str

    def handles(self, source: str) -> bool:
        """Tell from the source's text alone whether this crawler reads it."""
        ...

    def crawl(self, task: Task) -> Iterator[Found]:
        """Yield what the source gives. A link that cannot be had is yielded, not raised.

        Raises:
            TwinError: the source as a whole cannot be read.
        """
        ...
