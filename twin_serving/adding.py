"""An author and where to find what he or she writes: checked first, then stored.

`twin add`, `twin import` and the page's Add do what they do here.
"""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from twin_assets.crawlers.dispatcher import crawler_for, open_crawlers
from twin_assets.documents import Author, slugify
from twin_assets.errors import BadInputError, TwinError
from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import (
    NAME_LENGTH,
    SLUG_BYTES,
    ImportReport,
    import_jsonl,
    storable,
)
from twin_assets.settings import TwinSettings
from twin_serving import uploads

_USER = re.compile(r"//[^/]*@")
_NAMED = 3  # authors of a file that a line names


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor of the page filled in: web links, and a file that was uploaded."""

    name: str = ""
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    upload: Path | None = None


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A source, and the name of the crawler that reads it, or the one line why none does."""

    source: str
    crawler: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What would come of it. With a fault nothing is stored.

    ``author`` is None where the documents of the file name all authors there are.
    """

    author: Author | None
    sources: tuple[CheckedSource, ...]
    contents: uploads.Contents | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """Whose record or documents were stored, and what came of a JSONL file."""

    authors: tuple[Author, ...]
    report: ImportReport | None


def author_named(name: str) -> Author:
    """Return the record of the author with this name, without sources.

    Raises:
        BadInputError: no partition key can be made from the name.
    """
    name = " ".join(unicodedata.normalize("NFC", storable(name)).split())
    slug = slugify(name)
    if not slug:
        raise BadInputError(f"{name!r} has no letter or digit to make a partition key from.")
    if len(name) > NAME_LENGTH or len(slug.encode()) > SLUG_BYTES:
        raise BadInputError(f"The author's name is longer than {NAME_LENGTH} characters.")
    return Author(slug, name)


def checked_source(source: str) -> str:
    """Return a web link, or a path as an absolute one, so that any build finds it.

    Raises:
        BadInputError: it is neither, or the link carries a password.
    """
    if "://" in source:
        return checked_link(source)
    try:
        path = Path(source).expanduser()
        there = bool(source) and path.exists()
    except (OSError, RuntimeError, ValueError):  # no name that a file or a user can have
        there = False
    if not there:
        raise BadInputError(
            f"There is no file or folder {source!r}; a web link begins with https://."
        )
    return str(path.resolve())


def checked_link(source: str) -> str:
    """Return the web link.

    Raises:
        BadInputError: it is none, or carries a password.
    """
    if "@" in source.partition("://")[2].partition("/")[0]:
        raise BadInputError(
            "The link carries a user or password. Sources are crawled as anyone sees them: "
            "leave it out."
        )
    if "://" not in source:
        raise BadInputError(f"{source!r} is no web link: it does not begin with https://.")
    try:
        source.encode()  # a lone surrogate is part of no link
        parts = urlsplit(source)
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        raise BadInputError(f"{source!r} is no web link: it names no host.")
    return parts.geturl()


def register(
    settings: TwinSettings,
    author: Author,
    aliases: Sequence[str] = (),
    sources: Sequence[str] = (),
    upload: str | None = None,
) -> Author:
    """Store the author and return the record; names and sources from before stay.

    Args:
        settings: the settings.
        author: as :func:`author_named` makes it.
        aliases: other names.
        sources: checked ones, read after those from before.
        upload: the path of a file, read before all others: the newest export has the last word.

    Raises:
        StorageError: the raw store cannot be written.
    """
    with closing(open_raw_store(settings)) as store:
        known = {record.slug: record for record in store.authors()}.get(author.slug, author)
        first = [upload] if upload else []
        record = replace(
            known,
            aliases=tuple(dict.fromkeys([*known.aliases, *aliases])),
            sources=tuple(dict.fromkeys([*first, *known.sources, *sources])),
        )
        store.put_author(record)
    return record


def check(settings: TwinSettings, wanted: Wanted) -> Checked:
    """Look at everything that was filled in, and store nothing."""
    faults: list[str] = []
    sources = _checked_links(settings, wanted.links)
    contents: uploads.Contents | None = None
    author: Author | None = None
    try:
        is_archive = wanted.upload is not None and not uploads.is_lines(wanted.upload)
        if wanted.name or sources or is_archive:
            author = _author_of(wanted)
        elif wanted.upload is None:
            faults.append("There is nothing to add yet: give a link, or choose a file.")
        if wanted.upload is not None:
            looking_for = author or Author("", "")
            contents = uploads.look_into(wanted.upload, looking_for, settings)
            faults += _faults_of(contents, wanted.upload.name)
    except TwinError as error:
        faults.append(str(error))
    if any(source.fault for source in sources):
        faults.append("A link cannot be used: correct it, or take it out.")
    if author is not None and not faults and not sources:
        faults += _nothing_for(author, contents)
    return Checked(author, sources, contents, tuple(faults))


def store(settings: TwinSettings, wanted: Wanted, checked: Checked) -> Added:
    """Store the author's record, the sources, and the file's documents.

    Args:
        settings: the settings.
        wanted: what was filled in.
        checked: what :func:`check` found in it.

    Raises:
        BadInputError: the check found a fault; nothing was stored.
        StorageError: TWIN_HOME or the raw store cannot be written.
    """
    if checked.faults:
        raise BadInputError(" ".join(checked.faults))
    report: ImportReport | None = None
    kept: str | None = None
    slugs: list[str] = []
    if wanted.upload is not None:
        if uploads.is_lines(wanted.upload):
            with closing(open_raw_store(settings)) as raw_store:
                report = import_jsonl(wanted.upload, raw_store)
            slugs += report.authors
        elif checked.author is not None:
            kept = str(uploads.keep(settings, checked.author.slug, wanted.upload))
    if checked.author is not None:
        links = [source.source for source in checked.sources]
        register(settings, checked.author, wanted.aliases, links, kept)
        slugs.insert(0, checked.author.slug)
    with closing(open_raw_store(settings)) as raw_store:
        records = {record.slug: record for record in raw_store.authors()}
    return Added(tuple(records[slug] for slug in dict.fromkeys(slugs)), report)


def _author_of(wanted: Wanted) -> Author:
    if not wanted.name.strip():
        raise BadInputError("The author's name is missing.")
    return author_named(wanted.name)


def _checked_links(settings: TwinSettings, links: Sequence[str]) -> tuple[CheckedSource, ...]:
    checked: list[CheckedSource] = []
    with open_crawlers(settings) as crawlers:
        for link in links:
            try:
                source = checked_link(link)
                checked.append(CheckedSource(source, crawler_for(source, crawlers).name))
            except BadInputError as error:
                shown = _USER.sub("//", link)
                checked.append(CheckedSource(shown, fault=str(error)))
    return tuple(checked)


def _faults_of(contents: uploads.Contents, name: str) -> list[str]:
    if sum(contents.documents.values()) or not contents.whole:
        return []
    why = f": {contents.detail}" if contents.detail else ""
    return [f"Nothing in {name} can be used{why}."]


def _nothing_for(author: Author, contents: uploads.Contents | None) -> list[str]:
    if contents is None:
        return ["There is nothing to crawl yet: give a link, or choose a file."]
    if contents.kind != uploads.JSONL or author.slug in contents.authors:
        return []
    named = list(contents.authors.values())
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return [
        f"No line of the file is by {author.name}, but by {', '.join(named[:_NAMED])}{more}: "
        "correct the name, or leave it empty."
    ]
