"""`twin build`: materialize what is behind."""

from collections.abc import Callable, Sequence
from contextlib import closing
from time import perf_counter
from typing import Annotated, Any

import dagster as dg
import typer

from twin_assets.assets import ASSETS
from twin_assets.documents import Outcome
from twin_assets.errors import BuildFailedError
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.indexes import Backends
from twin_serving.cli.launch import BuildReport, build, end_abandoned_runs, is_interruption
from twin_serving.cli.locks import exclusive
from twin_serving.cli.output import counted, out, plain, print_json, say
from twin_serving.cli.plan import AuthorPlan, embedding_rate, plan_build, windows_to_embed

INTERRUPTED = "The build was interrupted. What was done is kept: run `twin build` to go on."
_STEPS = {asset.key.to_user_string() for asset in ASSETS}


def build_command(
    author: Annotated[
        list[str] | None,
        typer.Option("--author", help="Build this author only (name or slug); may be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is behind and why; build nothing.")
    ] = False,
    crawl: Annotated[
        bool, typer.Option("--crawl", help="Crawl sources again that were crawled before.")
    ] = False,
    index: Annotated[
        Backends | None,
        typer.Option(
            "--index", help="The index that is built; else the one that TWIN_INDEX names."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Materialize what is behind: clean, chunk, embed, index, publish."""
    settings = load_settings()
    names = author or []
    indexes = index.names if index else ()
    if dry_run:
        instance = open_instance(settings)
        plans = plan_build(settings, instance, names, crawl=crawl, indexes=indexes)
        _say_plan(settings, plans, embedding_rate(instance), as_json=as_json)
        return
    instance = open_instance(settings, captures=False)
    with exclusive(settings, "build"):
        end_abandoned_runs(instance, all_launchers=False)
        try:
            report = build(settings, instance, names, StepPrinter(), crawl=crawl, indexes=indexes)
        except KeyboardInterrupt:
            raise BuildFailedError(INTERRUPTED) from None
    if as_json:
        print_json(report_json(report))
    else:
        for line in [
            *report_lines(report),
            *link_lines(settings, [*report.built, *report.current]),
        ]:
            out.print(plain(line))
    if report.failed:
        raise BuildFailedError(failure_line(report))


def report_lines(report: BuildReport) -> list[str]:
    """Return the build's result as lines for a person."""
    lines = []
    if report.built:
        lines.append(f"Built: {', '.join(report.built)}.")
    if report.current:
        lines.append(f"Already current: {', '.join(report.current)}.")
    lines.append(f"{counted(report.windows_embedded, 'window')} embedded.")
    return lines


def link_lines(settings: TwinSettings, authors: Sequence[str]) -> list[str]:
    """Return a line for each of the authors whose links could not all be read."""
    lines = []
    with closing(open_raw_store(settings)) as store:
        for author in authors:
            outcomes = [visit.outcome for visit in store.visits(author).values()]
            bad = [
                f"{count} {outcome}"
                for outcome in (Outcome.FAILED, Outcome.REFUSED)
                if (count := outcomes.count(outcome))
            ]
            if bad:
                lines.append(
                    f"{author}: of {counted(len(outcomes), 'link')}, {', '.join(bad)}; "
                    "`twin status` says why, `twin build --crawl` tries again."
                )
    return lines


def failure_line(report: BuildReport) -> str:
    """Return who failed and why as one line."""
    return " ".join(f"{author} failed: {reason}" for author, reason in report.failed.items())


def report_json(report: BuildReport) -> dict[str, Any]:
    """Return the build's result as `--json` prints it."""
    return {
        "built": report.built,
        "current": report.current,
        "failed": report.failed,
        "windows_embedded": report.windows_embedded,
        "run_ids": report.run_ids,
    }


def _say_plan(
    settings: TwinSettings, plans: Sequence[AuthorPlan], rate: float | None, *, as_json: bool
) -> None:
    """Say what is behind, and what it would cost at ``rate`` windows a second."""
    count = windows_to_embed(settings, plans)
    seconds = None if rate is None else count / rate
    if as_json:
        authors = [
            {
                "author": plan.author.slug,
                "stale_from": plan.stale.asset if plan.stale else None,
                "reason": plan.stale.reason if plan.stale else None,
            }
            for plan in plans
        ]
        print_json({"authors": authors, "windows_to_embed": count, "embedding_seconds": seconds})
        return
    for plan in plans:
        state = f"from {plan.stale.asset} on: {plan.stale.reason}" if plan.stale else "current"
        out.print(plain(f"{plan.author.slug}: {state}"))
    crawled = any(plan.author.sources and plan.stale for plan in plans)
    note = ", beside those of what is crawled first" if crawled else ""
    cost = f", in about {_duration(seconds)}" if count and seconds is not None else ""
    out.print(f"{counted(count, 'window')} would be embedded{cost}{note}.")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    return counted(round(seconds / 60), "minute")


class StepPrinter:
    """Prints a line when an asset is done, with the seconds it took."""

    def __init__(self, printer: Callable[[str], None] = say) -> None:
        """Print with ``printer``."""
        self._print = printer
        self._started: dict[str, float] = {}

    def __call__(self, event: dg.DagsterEvent) -> None:
        """Take one event of the run."""
        step = event.step_key
        if step not in _STEPS:  # a check's step
            return
        if event.is_step_start:
            self._started[step] = perf_counter()
        elif event.is_step_success or event.is_step_failure:
            seconds = perf_counter() - self._started.get(step, perf_counter())
            outcome = "done" if event.is_step_success else "failed"
            outcome = "stopped" if is_interruption(event) else outcome
            self._print(f"  {step:<18} {outcome:<7}{seconds:6.1f} s")
