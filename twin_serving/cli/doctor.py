"""`twin doctor`: whether every configured service works."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from twin_assets.errors import TwinError
from twin_assets.settings import load_settings
from twin_serving.cli.output import counted, out, plain, print_json
from twin_serving.doctor import Finding, examine

_WIDTH = 16


class NotWellError(TwinError):
    """A service that is used does not work."""


def doctor_command(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as a JSON list.")
    ] = False,
) -> None:
    """Ask each configured service whether it works; a telling exit code."""
    findings: list[Finding] = []
    for finding in examine(load_settings()):
        findings.append(finding)
        if not as_json:
            out.print(_line(finding))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if bad := [finding.service for finding in findings if finding.used and not finding.fine]:
        raise NotWellError(f"{counted(len(bad), 'service')} to see to: {', '.join(bad)}.")


def _line(finding: Finding) -> Text:
    mark, style = ("✓", "green") if finding.fine else ("✗", "red")
    unused = "" if finding.used else " (not used now)"
    line = Text(f"{mark} ", style=style)
    line.append(f"{finding.service:<{_WIDTH}} ", style="bold")
    return line.append(plain(finding.detail) + unused)
