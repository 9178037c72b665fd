"""Files that visitors of the page give: looked into before anything is stored, kept, forgotten."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from time import monotonic, time
from typing import TypeVar

from twin_assets.crawlers.dispatcher import open_crawlers
from twin_assets.crawlers.found import Task
from twin_assets.documents import Author, Category, slugify
from twin_assets.errors import BadInputError, StorageError
from twin_assets.files import replacing
from twin_assets.raw_store.jsonl import BadLine, BadLines, filled_lines, good_lines
from twin_assets.settings import TwinSettings

One = TypeVar("One")

JSONL = "JSONL"
_ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")
_LINES = (".jsonl", ".ndjson")
_LOOK_SECONDS = 15.0  # more than any real export takes, and as long as anybody waits for a look
_STEM_LENGTH = 60
_ARRIVING = ".arriving"  # no author's slug begins so
_ABANDONED_SECONDS = 86_400.0
_PRIVATE = 0o700  # an export holds more than what is published


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    ``kind`` is JSONL or the name of the crawler that reads the archive. ``authors`` are whom the
    lines of a JSONL file name, ``{slug: name}``. ``bad`` is how many of its lines cannot be used,
    and ``bad_lines`` are the first of them. ``detail`` says what of an archive is left out or
    cannot be read. ``whole`` is False where there was no time to look at all of it.
    """

    kind: str
    documents: Mapping[Category, int]
    authors: Mapping[str, str] = field(default_factory=dict)
    bad: int = 0
    bad_lines: tuple[BadLine, ...] = ()
    detail: str = ""
    whole: bool = True


def is_lines(path: Path) -> bool:
    """Tell from its name whether the file is JSONL.

    Raises:
        BadInputError: it is neither that nor an archive.
    """
    name = path.name.lower()
    if name.endswith(_LINES):
        return True
    if name.endswith(_ARCHIVES):
        return False
    raise BadInputError(
        f"{path.name} is no file that can be taken: give an export archive of Medium or LinkedIn "
        "(.zip), a repository's tarball (.tar.gz), or documents as JSON lines (.jsonl)."
    )


def look_into(path: Path, author: Author, settings: TwinSettings) -> Contents:
    """Read the file as a build would, store nothing, and return what it holds.

    Documents are counted for fifteen seconds at most, after an export was read through once, which
    its reader's limits bound. No more than one document is in memory.

    Args:
        path: the file.
        author: whose archive it is; a JSONL file names its own authors.
        settings: the settings.

    Raises:
        BadInputError: nothing in it can be read.
    """
    try:
        return _lines(path) if is_lines(path) else _archive(path, author, settings)
    except BadInputError as error:  # where it lies now is nobody's business
        raise BadInputError(str(error).replace(str(path), path.name)) from None


def arriving_folder(settings: TwinSettings) -> Path:
    """Return where uploads rest until they are added, which nobody else on this machine may read.

    What is there for more than a day, as what was broken off is, is removed.

    Raises:
        StorageError: TWIN_HOME cannot be written.
    """
    folder = settings.uploads_path / _ARRIVING
    try:
        settings.uploads_path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        for path in folder.rglob("*"):
            if path.is_file() and time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
    except OSError as error:
        raise StorageError(
            f"TWIN_HOME {settings.root} cannot be written: {error.strerror}. "
            "Set TWIN_HOME to a folder that you may write to."
        ) from None
    return folder


def keep(settings: TwinSettings, author: str, path: Path) -> Path:
    """Copy an archive to where every crawl finds it again, and return that path.

    The same file is kept once; another file of the same name is kept beside it.

    Raises:
        StorageError: TWIN_HOME cannot be written.
    """
    suffix = next(s for s in _ARCHIVES if path.name.lower().endswith(s))
    stem = slugify(path.name[: -len(suffix)])[:_STEM_LENGTH].strip("-") or "upload"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kept = settings.uploads_path / author / digest[:12] / f"{stem}{suffix}"
        settings.uploads_path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        with replacing(kept) as temporary:
            shutil.copyfile(path, temporary)
    except OSError as error:
        raise StorageError(
            f"{path.name} cannot be kept in {settings.uploads_path}: {error.strerror}. "
            "Check the rights and free space of TWIN_HOME."
        ) from None
    return kept


def count_kept(settings: TwinSettings, author: str) -> int:
    """Return how many files and folders of the author's uploads there are."""
    folder = settings.uploads_path / author
    return sum(1 for _ in folder.rglob("*")) + folder.exists()


def forget_kept(settings: TwinSettings, author: str) -> None:
    """Remove the author's uploads.

    Raises:
        StorageError: one cannot be removed.
    """
    folder = settings.uploads_path / author
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be removed: {error.strerror}. Check the rights of TWIN_HOME, and "
            f"run `twin forget {author}` again."
        ) from None


def _lines(path: Path) -> Contents:
    bad = BadLines()
    clock = _Clock()
    documents: Counter[Category] = Counter()
    authors: dict[str, str] = {}
    for author, document in good_lines(clock.until_then(filled_lines(path)), bad):
        authors.setdefault(author.slug, author.name)
        documents[document.category] += 1
    return Contents(
        JSONL, documents, authors, bad.number, tuple(bad.first), whole=not clock.is_over
    )


def _archive(path: Path, author: Author, settings: TwinSettings) -> Contents:
    clock = _Clock()
    documents: Counter[Category] = Counter()
    details: list[str] = []
    with open_crawlers(settings) as crawlers:
        crawler = next((one for one in crawlers if one.handles(str(path))), None)
        if crawler is None:
            raise BadInputError(
                f"{path.name} is neither an export of Medium or LinkedIn nor a repository's "
                "tarball, so nothing in it is read."
            )
        for found in crawler.crawl(Task(author, str(path), {}, lambda prefix: {})):
            details.append(found.detail)
            for document in clock.until_then(found.documents):
                documents[document.category] += 1
    return Contents(
        crawler.name, documents, detail="; ".join(filter(None, details)), whole=not clock.is_over
    )


class _Clock:
    """Ends what takes too long, counted from the first thing that there is."""

    def __init__(self) -> None:
        self._ends: float | None = None
        self.is_over = False

    def until_then(self, ones: Iterable[One]) -> Iterator[One]:
        return takewhile(self._goes_on, ones)

    def _goes_on(self, _: object) -> bool:
        now = monotonic()
        self._ends = self._ends or now + _LOOK_SECONDS
        self.is_over = now > self._ends
        return not self.is_over
