"""The commands by name; a fault is one line and exit code 1."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper

import typer

from twin_assets.errors import TwinError
from twin_serving.cli.output import say

# Each with its function in a module beside this one: imported if it is asked for.
COMMANDS = {
    "up": "up:up_command",
    "add": "adding:add_command",
    "import": "importing:import_command",
    "build": "build:build_command",
    "run": "running:run_command",
    "retrieve": "asking:retrieve_command",
    "ask": "asking:ask_command",
    "status": "status:status_command",
    "eval": "evaluating:eval_command",
    "audit": "auditing:audit_command",
    "rollback": "rollback:rollback_command",
    "forget": "forgetting:forget_command",
    "prune": "pruning:prune_command",
    "doctor": "doctor:doctor_command",
}


def build_app(names: Collection[str] = COMMANDS) -> typer.Typer:
    """Return the application with these of the commands."""
    app = typer.Typer(
        name="twin",
        help="An LLM twin: what chosen authors wrote, indexed by Dagster, answered with citations.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # so that a single command has a name too
    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        app.command(name)(getattr(import_module(f"twin_serving.cli.{module}"), function))
    return app


def load() -> typer.Typer:
    """Return what runs the command that the arguments name, or tells of them all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without UTF-8 shows what it can
            stream.reconfigure(errors="replace")
    asked = [name for name in sys.argv[1:2] if name in COMMANDS]
    with _faults_in_a_line():  # a setting's, which the Dagster definitions read when imported
        return build_app(asked or COMMANDS)


def run(app: typer.Typer) -> None:
    """Run the command."""
    with _faults_in_a_line():
        app()


@contextmanager
def _faults_in_a_line() -> Iterator[None]:
    try:
        yield
    except TwinError as error:
        say(f"twin: {error}")
        sys.exit(1)
    except KeyboardInterrupt:  # while a command is imported: it says better itself what was left
        say("twin: interrupted before it began")
        sys.exit(130)  # as a shell tells of it
