"""`twin import`: raw documents straight into the raw store."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from twin_assets.errors import BadInputError
from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.settings import load_settings
from twin_serving.cli.output import out, plain, print_json, say

_SHOWN = 20  # bad lines; a file of another kind has as many as it has lines


def import_command(
    file: Annotated[Path, typer.Argument(help="A UTF-8 file with one JSON object a line.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Import raw documents from a JSONL file; what is there already costs no write."""
    with closing(open_raw_store(load_settings())) as store:
        report = import_jsonl(file, store)
    counts = report.counts
    if as_json:
        bad = [asdict(line) for line in report.bad_lines]
        print_json({**asdict(counts), "authors": list(report.authors), "bad_lines": bad})
    else:
        out.print(
            f"{counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged documents "
            f"of {len(report.authors)} authors."
        )
        if counts.new or counts.changed:
            out.print("Run `twin build` to index them.")
    for line in report.bad_lines[:_SHOWN]:
        say(f"line {line.number}: {line.reason}")
    if report.bad_lines:
        number = len(report.bad_lines)
        raise BadInputError(
            f"{number} line{'' if number == 1 else 's'} of {plain(str(file))} could not be used "
            f"(first {min(number, _SHOWN)} above); the others are in. Mend them and import again."
        )
