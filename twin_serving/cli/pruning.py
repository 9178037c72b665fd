"""`twin prune`: Dagster's old runs removed, but for those that something rests on."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.progress import Progress

from twin_assets.assets.old_runs import OldRuns, old_runs, remove_runs
from twin_assets.settings import load_settings
from twin_assets.stores import backends_in_use, create_store
from twin_serving.catalog import open_instance
from twin_serving.cli.output import counted, err, out, print_json, say


def prune_command(
    days: Annotated[
        int,
        typer.Option("--days", min=1, max=36_500, help="Runs that ended more days ago than these."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many would go; remove nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the runs as JSON.")] = False,
) -> None:
    """Remove Dagster's old runs with their events; those that something rests on are kept."""
    settings = load_settings()
    before = datetime.now(UTC) - timedelta(days=days)
    with open_instance(settings) as instance:
        say("Looking at which runs something rests on …")
        stores = [create_store(backend, settings) for backend in backends_in_use(settings)]
        runs = old_runs(instance, before, stores)
        if not dry_run:
            with Progress(console=err, transient=True) as progress:
                task = progress.add_task("runs", total=len(runs.removable))
                for _ in remove_runs(instance, runs.removable):
                    progress.advance(task)
    if as_json:
        removed = [] if dry_run else runs.removable
        print_json({"removable": runs.removable, "removed": removed, "needed": runs.needed})
    else:
        out.print(_line(runs, days, dry_run=dry_run))


def _line(runs: OldRuns, days: int, *, dry_run: bool) -> str:
    old = f"of more than {counted(days, 'day')} ago"
    line = f"{counted(len(runs.removable), 'run')} {old} {'would go' if dry_run else 'removed'}"
    if runs.needed:
        line += f", {len(runs.needed):,} kept, since something rests on them"
    return f"{line}."
