"""The IVF that answers searches over all authors, in files: one index and one record a category.

::

    <root>/<collection>.<time>.faiss  the index, under a name of its own
    <root>/<collection>.json          the IvfRecord, which names it; replaced by rename

A reader sees the record before or after, each with a whole index beside it.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
from pydantic import TypeAdapter, ValidationError

from twin_assets.documents import Category
from twin_assets.errors import IndexCorruptedError, StorageError
from twin_assets.files import replacing
from twin_assets.stores import COLLECTIONS
from twin_assets.stores.faiss.collection import Collection
from twin_assets.stores.faiss.ivf_training import calibrate, train
from twin_assets.stores.faiss.verified import FileState, file_state
from twin_assets.stores.manifest import file_digest


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """An author's version whose rows the IVF holds, and where they stand among its rows."""

    version: str
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class IvfRecord:
    """What an IVF holds. ``recall`` is what ``nprobe`` lists reached on a sample when it was built.

    ``file`` and ``sha256`` are the index's name and digest.
    """

    category: Category
    created_at: str
    file: str
    sha256: str
    lists: int
    nprobe: int
    recall: float
    eight_bit: bool
    authors: Mapping[str, HeldVersion]

    @property
    def rows(self) -> int:
        """Rows of all authors."""
        return sum(held.rows for held in self.authors.values())


@dataclass(frozen=True, slots=True)
class Ivf:
    """An IVF opened for search: the FAISS index is mapped, not loaded."""

    record: IvfRecord
    index: Any


_ADAPTER = TypeAdapter(IvfRecord)


class IvfFolder:
    """The IVFs of a store, at most one a category."""

    def __init__(self, root: Path) -> None:
        """Use the folder; it is made by the first build."""
        self._root = root
        self._opened: dict[Category, tuple[bytes, FileState, Ivf]] = {}

    def build(
        self, collection: Collection, is_kept: Callable[[str, str], bool], *, eight_bit: bool
    ) -> IvfRecord:
        """Build the IVF of the collection's category anew, and replace the one before.

        Args:
            collection: the rows that it shall hold, at least one.
            is_kept: tells whether an author's version still exists. One that was forgotten while
                the index was being built does not come back with it.
            eight_bit: store a byte a component instead of four.

        Raises:
            StorageError: it cannot be written; the one before stays.
        """
        index = train(collection.matrices, eight_bit=eight_bit)
        nprobe, recall = calibrate(index, collection.matrices)
        authors = {
            version.author: HeldVersion(version.manifest.version, int(first), len(matrix))
            for version, matrix, first in zip(
                collection.versions, collection.matrices, collection.firsts, strict=False
            )
        }
        record = IvfRecord(
            collection.category, "", "", "", index.nlist, nprobe, recall, eight_bit, authors
        )
        with self._locked():
            gone = [a for a, held in authors.items() if not is_kept(a, held.version)]
            return self._publish(_without(record, index, gone), index)

    def record(self, category: Category) -> IvfRecord | None:
        """Return what the category's IVF holds, if there is one.

        Raises:
            IndexCorruptedError: its record cannot be read.
        """
        content = self._content(category)
        return None if content is None else _parse(category, content)

    def rows_of(self, author: str) -> int:
        """Return how many rows of the author all IVFs hold; one for each that cannot be read."""
        return sum(self._rows_of(author, category) for category in Category)

    def _rows_of(self, author: str, category: Category) -> int:
        try:
            record = self.record(category)
        except IndexCorruptedError:
            return 1  # it may hold the author
        held = record.authors.get(author) if record else None
        return held.rows if held else 0

    def stamp(self) -> str:
        """Return words that are others once any IVF was replaced or removed."""
        states: list[str] = []
        for name in COLLECTIONS.values():
            try:
                states.append(f"{name} {file_state(self._root / f'{name}.json')}")
            except OSError:
                continue
        return " ".join(states)

    def open(self, category: Category) -> Ivf | None:
        """Return the category's IVF, if there is one; one that is open already is kept.

        Raises:
            IndexCorruptedError: its files are damaged.
        """
        try:
            return self._open(category)
        except OSError:
            pass  # perhaps another was published in between
        try:
            return self._open(category)
        except OSError as error:
            raise _damaged(category, f"it cannot be read: {error}") from error

    def _open(self, category: Category) -> Ivf | None:
        content = self._content(category)
        if content is None:
            return None
        record = _parse(category, content)
        path = self._root / record.file
        state = file_state(path)
        kept = self._opened.get(category)
        if kept is None or kept[:2] != (content, state):
            if file_digest(path) != record.sha256:
                raise _damaged(category, f"{record.file} does not match its checksum")
            kept = self._opened[category] = (content, state, Ivf(record, _map(path, category)))
        return kept[2]

    def discard(self, category: Category) -> None:
        """Remove the category's IVF.

        Raises:
            StorageError: it cannot be removed.
        """
        if self._root.is_dir():
            with self._locked():
                self._remove(category)

    def forget(self, author: str) -> None:
        """Remove the author's vectors; the others' stay. May be repeated.

        Raises:
            StorageError: a file cannot be written or removed.
        """
        if self._root.is_dir():
            with self._locked():
                for category in Category:
                    self._forget(category, author)

    def _forget(self, category: Category, author: str) -> None:
        try:
            ivf = self._open(category)
        except (IndexCorruptedError, OSError):
            ivf = None  # it may hold the author, and nobody can use it
        if ivf is None:
            self._remove(category)
        elif author in ivf.record.authors:
            index = faiss.read_index(str(self._root / ivf.record.file))
            self._publish(_without(ivf.record, index, [author]), index)
        else:
            self._remove(category, keep=ivf.record.file)

    def _publish(self, record: IvfRecord, index: Any) -> IvfRecord:
        """Replace the category's IVF, with nothing where it would hold nobody."""
        if not record.authors:
            self._remove(record.category)
            return record
        now = datetime.now(UTC)
        name = COLLECTIONS[record.category]
        file = f"{name}.{now:%Y%m%dT%H%M%S.%fZ}.faiss"
        with replacing(self._root / file) as temporary:
            faiss.write_index(index, str(temporary))
        record = replace(
            record,
            created_at=now.isoformat(timespec="milliseconds"),
            file=file,
            sha256=file_digest(self._root / file),
        )
        with replacing(self._root / f"{name}.json") as temporary:
            temporary.write_bytes(_ADAPTER.dump_json(record))
        self._remove(record.category, keep=file)
        return record

    def _remove(self, category: Category, keep: str | None = None) -> None:
        """Remove the category's files but the kept index and its record, the record first."""
        name = COLLECTIONS[category]
        kept = (keep, f"{name}.json") if keep else ()
        for path in sorted(self._root.iterdir(), reverse=True):
            if path.name.removeprefix(".").startswith(f"{name}.") and path.name not in kept:
                path.unlink()

    def _content(self, category: Category) -> bytes | None:
        try:
            return (self._root / f"{COLLECTIONS[category]}.json").read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep a second writer waiting, and say in one line what cannot be written."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with (self._root / ".lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except (OSError, RuntimeError) as error:  # FAISS raises the latter
            line = " ".join(str(error).split())
            raise StorageError(
                f"The search index over all authors cannot be written: {line}. "
                "Check the rights and free space of TWIN_HOME."
            ) from error


def _without(record: IvfRecord, index: Any, authors: Sequence[str]) -> IvfRecord:
    """Remove the authors' rows from the index, and return the record without them."""
    for author in authors:
        held = record.authors[author]
        index.remove_ids(faiss.IDSelectorRange(held.first, held.first + held.rows))
    kept = {author: held for author, held in record.authors.items() if author not in authors}
    return replace(record, authors=kept)


def _map(path: Path, category: Category) -> Any:
    try:
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    except RuntimeError as error:
        line = " ".join(str(error).split())
        raise _damaged(category, f"{path.name} cannot be read: {line}") from error
    # Threads that read lists ahead would be started anew at each search.
    lists: Any = faiss.downcast_InvertedLists(index.invlists)
    lists.prefetch_nthread = 0
    return index


def _parse(category: Category, content: bytes) -> IvfRecord:
    try:
        return _ADAPTER.validate_json(content)
    except ValidationError:
        raise _damaged(category, "its record cannot be read") from None


def _damaged(category: Category, what: str) -> IndexCorruptedError:
    return IndexCorruptedError(
        f"The search index over all authors for {COLLECTIONS[category]} is damaged: {what}. "
        "Until it is built again, such searches are exact and slower."
    )
