"""`twin up`: build what is behind, then the Dagster UI, its daemon and the page, until Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Annotated, NoReturn

import dagster as dg
import typer

from twin_assets.errors import BadInputError, BuildFailedError
from twin_assets.raw_store import open_raw_store
from twin_assets.samples import import_samples
from twin_assets.settings import TwinSettings, check_binding, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.build import INTERRUPTED, StepPrinter, failure_line, report_lines
from twin_serving.cli.launch import build, end_abandoned_runs
from twin_serving.cli.locks import exclusive
from twin_serving.cli.output import print_json_line, say
from twin_serving.cli.services import DAEMON, PAGE, UI, Running, Service, check_port


def up_command(
    demo: Annotated[
        bool, typer.Option("--demo", help="Import the sample authors when there are no documents.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each started service as a line of JSON.")
    ] = False,
) -> None:
    """Run everything on one TWIN_HOME: Dagster UI, daemon and page. Ctrl-C ends all."""
    settings = load_settings()
    check_binding(settings)
    instance = open_instance(settings, captures=False)
    check_port(settings.host, settings.dagster_port, "TWIN_DAGSTER_PORT")
    check_port(settings.host, settings.page_port, "TWIN_PAGE_PORT")
    with exclusive(settings, "up"):
        with exclusive(settings, "build"):
            end_abandoned_runs(instance, all_launchers=True)
            _build(settings, instance, demo)
        with _ends_on_signal(), Running(settings) as running:
            say("Starting the services …")
            running.start(lambda service: _say_started(settings, service, as_json))
            say("Ctrl-C ends all.")
            running.watch(lambda: _tidy(settings, instance))


def _build(settings: TwinSettings, instance: dg.DagsterInstance, demo: bool) -> None:
    """Build what is behind; authors that fail are named, and the others are served."""
    with closing(open_raw_store(settings)) as store:
        if demo and not store.authors():
            names = import_samples(store)
            say(f"Imported the sample authors {', '.join(names)} (invented).")
        if not store.authors():
            say("There are no authors yet. Import some with `twin import FILE.jsonl`.")
            return
    say("Building what is behind …")
    try:
        report = build(settings, instance, [], StepPrinter())
    except KeyboardInterrupt:
        raise BuildFailedError(INTERRUPTED) from None
    for line in report_lines(report):
        say(line)
    if report.failed:
        say(failure_line(report))


def _say_started(settings: TwinSettings, service: Service, as_json: bool) -> None:
    addresses = {
        UI: settings.dagster_link,
        DAEMON: "running sensors and queued runs",
        PAGE: settings.page_link,
    }
    if as_json:
        print_json_line({"service": service.name, "address": addresses[service.name]})
    else:
        say(f"{service.name:<15} {addresses[service.name]}")


@contextmanager
def _ends_on_signal() -> Iterator[None]:
    """End in order, and quietly, on Ctrl-C, SIGTERM and SIGHUP.

    Entered after the build, since a Dagster run leaves handlers of its own behind.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: object) -> NoReturn:
        for one in signals:  # a second one must not break off the end
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:
        say("Everything has ended.")


def _tidy(settings: TwinSettings, instance: dg.DagsterInstance) -> None:
    """Free the queue from a `twin build` that was killed."""
    with suppress(BadInputError), exclusive(settings, "build"):  # held: a build is at work
        end_abandoned_runs(instance, all_launchers=False)
