"""`twin rollback`: serve an earlier index version."""

from dataclasses import asdict
from typing import Annotated

import typer

from twin_assets.stores import create_store
from twin_serving.catalog import open_instance
from twin_serving.cli.indexes import Index, settings_for
from twin_serving.cli.output import out, plain, print_json
from twin_serving.rollback import roll_back


def rollback_command(
    author: Annotated[str, typer.Argument(help="The author (name or slug).")],
    to: Annotated[
        str | None,
        typer.Option(help="The version, as `twin status` names it; else the one before."),
    ] = None,
    index: Index = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Serve an earlier index version; nothing is embedded. The next new version is served again."""
    settings = settings_for(index)
    store = create_store(settings.index, settings)
    done = roll_back(open_instance(settings), store, author, to)
    if as_json:
        print_json(asdict(done))
        return
    out.print(plain(f"{done.author} serves {done.serves}; before it was {done.before}."))
