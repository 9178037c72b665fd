"""`twin run`: a Dagster job for authors, whatever their state."""

from enum import StrEnum
from typing import Annotated

import typer

from twin_assets import jobs
from twin_assets.errors import BuildFailedError
from twin_assets.partitions import JOB
from twin_assets.settings import load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.build import (
    StepPrinter,
    failure_line,
    link_lines,
    report_json,
)
from twin_serving.cli.indexes import Backends
from twin_serving.cli.launch import end_abandoned_runs, run_job
from twin_serving.cli.locks import exclusive
from twin_serving.cli.output import counted, out, plain, print_json


class Job(StrEnum):
    """A job of the code location."""

    COLLECT = jobs.COLLECT
    FEATURES = jobs.FEATURES
    WHOLE = JOB


def run_command(
    job: Annotated[Job, typer.Argument(help="What is run.")],
    author: Annotated[
        list[str] | None,
        typer.Option("--author", help="Run it for this author only; may be repeated."),
    ] = None,
    index: Annotated[
        Backends | None,
        typer.Option("--index", help="The index that is published to; else the one of TWIN_INDEX."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run a Dagster job, even where `twin build` would find nothing to do."""
    settings = load_settings()
    instance = open_instance(settings, captures=False)
    indexes = index.names if index else ()
    with exclusive(settings, "build"):
        end_abandoned_runs(instance, all_launchers=False)
        try:
            names = author or []
            report = run_job(settings, instance, job, names, StepPrinter(), indexes=indexes)
        except KeyboardInterrupt:
            raise BuildFailedError(
                "The run was interrupted. What was done is kept: run `twin build` to go on."
            ) from None
    if as_json:
        print_json(report_json(report))
    else:
        lines = [f"{job} ran for {', '.join(report.built)}."] if report.built else []
        if job is not Job.COLLECT:
            lines.append(f"{counted(report.windows_embedded, 'window')} embedded.")
        for line in [*lines, *link_lines(settings, report.built)]:
            out.print(plain(line))
    if report.failed:
        raise BuildFailedError(failure_line(report))
