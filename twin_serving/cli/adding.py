"""`twin add`: an author and where to find what he or she writes."""

from dataclasses import asdict
from typing import Annotated

import typer

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
    from twin_serving.adding import author_named, checked_source, register

    settings = load_settings()
    named = author_named(author)
    sources = [checked_source(one.strip()) for one in source]
    with open_crawlers(settings) as crawlers:
        for one in sources:
            crawler_for(one, crawlers)
    record = register(settings, named, alias or [], sources)
    if as_json:
        print_json(asdict(record))
        return
    out.print(plain(f"{record.name} ({record.slug}) has {counted(len(record.sources), 'source')}:"))
    for one in record.sources:
        out.print(plain(f"  {one}"))
    out.print("Run `twin build` to crawl and index them.")
