"""`twin add`: an author and where to find what he or she writes."""

from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from twin_assets.documents import Author, slugify
from twin_assets.errors import BadInputError
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import load_settings
from twin_serving.cli.output import counted, out, plain, print_json


def add_command(
    author: Annotated[str, typer.Argument(help="The author's full name.")],
    source: Annotated[
        list[str],
        typer.Argument(help="Web links, export archives (zip), folders, tarballs."),
    ],
    alias: Annotated[
        list[str] | None, typer.Option("--alias", help="Another name; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the author as JSON.")] = False,
) -> None:
    """Register an author and sources to crawl; what was registered before stays."""
    from twin_assets.crawlers.dispatcher import crawler_for, open_crawlers

    settings = load_settings()
    name = " ".join(author.split())
    slug = slugify(name)
    if not slug:
        raise BadInputError(f"{author!r} has no letter or digit to make a partition key from.")
    sources = [_checked(one.strip()) for one in source]
    with open_crawlers(settings) as crawlers:
        for one in sources:
            crawler_for(one, crawlers)
    with closing(open_raw_store(settings)) as store:
        known = {record.slug: record for record in store.authors()}.get(slug, Author(slug, name))
        record = replace(
            known,
            aliases=tuple(dict.fromkeys([*known.aliases, *(alias or [])])),
            sources=tuple(dict.fromkeys([*known.sources, *sources])),
        )
        store.put_author(record)
    if as_json:
        print_json(asdict(record))
        return
    out.print(plain(f"{record.name} ({slug}) has {counted(len(record.sources), 'source')}:"))
    for one in record.sources:
        out.print(plain(f"  {one}"))
    out.print("Run `twin build` to crawl and index them.")


def _checked(source: str) -> str:
    """Return a web link, or a path as an absolute one, so that any build finds it.

    Raises:
        BadInputError: it is neither, or the link carries a password.
    """
    if "://" not in source:
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
    try:
        parts = urlsplit(source)
        host = parts.hostname
    except ValueError:
        host = None
    if "@" in source.partition("://")[2].partition("/")[0]:
        raise BadInputError(
            "The link carries a user or password. Sources are crawled as anyone sees them: "
            "leave it out."
        )
    if not host:
        raise BadInputError(f"{source!r} is no web link: it names no host.")
    return parts.geturl()
