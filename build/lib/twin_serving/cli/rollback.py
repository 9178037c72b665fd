"""`twin rollback`: serve an earlier index version."""

from dataclasses import asdict, dataclass
from typing import Annotated

import dagster as dg
import typer

from twin_assets.assets.verdicts import why_not_served
from twin_assets.documents import slugify
from twin_assets.stores import create_store
from twin_serving.catalog import open_instance
from twin_serving.cli.indexes import Index, settings_for
from twin_serving.cli.output import out, plain, print_json


@dataclass(frozen=True, slots=True)
class Rollback:
    """What was done."""

    author: str
    index: str
    before: str | None
    serves: str


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
    slug = slugify(author)
    store = create_store(settings.index, settings)
    instance = open_instance(settings)
    before = store.serving(slug)
    serves = store.roll_back(slug, to, lambda v: why_not_served(instance, store, slug, v))
    done = Rollback(slug, settings.index, before, serves)
    instance.report_runless_asset_event(
        dg.AssetObservation(
            f"{settings.index}_index",
            partition=slug,
            description=f"{done.serves} is served, chosen by hand.",
            metadata={"serves": done.serves, "before": before or "nothing"},
        )
    )
    if as_json:
        print_json(asdict(done))
        return
    out.print(plain(f"{slug} serves {done.serves}; before it was {before}."))
