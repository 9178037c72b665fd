"""The commands by name; a fault is one line and exit code 1."""

import sys
from io import TextIOWrapper

import typer

from twin_assets.errors import TwinError
from twin_serving.cli.adding import add_command
from twin_serving.cli.asking import ask_command, retrieve_command
from twin_serving.cli.auditing import audit_command
from twin_serving.cli.build import build_command
from twin_serving.cli.doctor import doctor_command
from twin_serving.cli.evaluating import eval_command
from twin_serving.cli.forgetting import forget_command
from twin_serving.cli.importing import import_command
from twin_serving.cli.output import say
from twin_serving.cli.rollback import rollback_command
from twin_serving.cli.running import run_command
from twin_serving.cli.status import status_command
from twin_serving.cli.up import up_command

app = typer.Typer(
    name="twin",
    help="An LLM twin: what chosen authors wrote, indexed by Dagster, answered with citations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up_command)
app.command("add")(add_command)
app.command("import")(import_command)
app.command("build")(build_command)
app.command("run")(run_command)
app.command("retrieve")(retrieve_command)
app.command("ask")(ask_command)
app.command("status")(status_command)
app.command("eval")(eval_command)
app.command("audit")(audit_command)
app.command("rollback")(rollback_command)
app.command("forget")(forget_command)
app.command("doctor")(doctor_command)


def main() -> None:
    """Run the command that the arguments name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without UTF-8 shows what it can
            stream.reconfigure(errors="replace")
    try:
        app()
    except TwinError as error:
        say(f"twin: {error}")
        sys.exit(1)
