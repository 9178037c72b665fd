"""What the platforms' export archives have in common: one find, its documents, what is left out."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from twin_assets.crawlers.exports.archives import Fault, printable
from twin_assets.crawlers.found import Found, Task
from twin_assets.documents import Author, RawDocument, slugify
from twin_assets.errors import BadInputError

_FAULTS_NAMED = 3


class Piece(Protocol):
    """A piece of writing in an export; it is made a document only when it is stored."""

    @property
    def link(self) -> str:
        """The document's link."""
        ...

    def document(self, author: str) -> RawDocument:
        """Return it as a document of the author with this slug."""
        ...


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is none of the author's published writing; ``kind`` in the plural."""

    kind: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose export it is, by its own account."""

    name: str


Item = Piece | LeftOut | Fault | Owner


def find(task: Task, read: Callable[[], Iterator[Item]], *, whole: bool = True) -> Found:
    """Return the find of an export.

    It is read twice: what is left out has to be known before the first document is stored, and the
    documents must not all stand in memory until then.

    An export is complete as of its day, so documents that it gave before and does not give now are
    gone. One with faults, or a part of an export, is not: what cannot be read may still be there.

    Args:
        task: the source and its author.
        read: yields what the export holds, the same at every call.
        whole: whether this is all of the platform's export.

    Raises:
        BadInputError: the export cannot be read, or nothing in it can.
    """
    seen: set[str] = set()
    left_out: Counter[str] = Counter()
    unread = 0
    faults: list[Fault] = []  # the first of them; a hostile file may have millions
    owners: set[str] = set()
    for item in read():
        match item:
            case LeftOut(kind):
                left_out[kind] += 1
            case Fault():
                unread += 1
                if unread <= _FAULTS_NAMED:
                    faults.append(item)
            case Owner(name):
                owners.add(name)
            case _ if item.link in seen:
                left_out["given twice"] += 1
            case _:
                seen.add(item.link)
    if faults and not seen:
        raise BadInputError(
            f"Nothing in {printable(task.source)} can be read: {_named(faults, unread)}."
        )
    notes = [_strangers(owners, task.author), _counted(left_out)]
    if faults:
        notes.append(f"{unread} cannot be read: {_named(faults, unread)}")
    return Found(
        task.source,
        _documents(task.author.slug, read),
        detail="; ".join(filter(None, notes)),
        complete=whole and not faults,
    )


def iso_time(stamp: str) -> str | None:
    """Return the time as ISO 8601, or None where it is none. Without a zone it is taken for UTC."""
    try:
        time = datetime.fromisoformat(stamp.strip().removesuffix(" UTC"))
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def _documents(author: str, read: Callable[[], Iterator[Item]]) -> Iterator[RawDocument]:
    seen: set[str] = set()
    for item in read():
        if isinstance(item, LeftOut | Fault | Owner) or item.link in seen:
            continue
        seen.add(item.link)
        yield item.document(author)


def _strangers(owners: set[str], author: Author) -> str:
    known = {slugify(name) for name in (author.slug, author.name, *author.aliases)}
    strangers = sorted(name for name in owners if slugify(name) not in known)
    if not strangers:
        return ""
    shown = ", ".join(printable(name) for name in strangers[:_FAULTS_NAMED])
    return f"is the export of {shown}, which is no name or alias of {author.name}"


def _counted(left_out: Counter[str]) -> str:
    counts = ", ".join(f"{kind} ({number})" for kind, number in sorted(left_out.items()))
    return f"left out: {counts}" if counts else ""


def _named(faults: list[Fault], number: int) -> str:
    shown = ", ".join(f"{fault.name} ({fault.reason})" for fault in faults)
    more = number - len(faults)
    return shown + (f" and {more} more" if more else "")
