"""What every benchmark prints around its figures: the machine, and the result as text or JSON."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDE = 250  # characters


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def machine() -> dict[str, Any]:
    """Return the processor's name and the number of cores that this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return {"processor": name, "cores": len(os.sched_getaffinity(0))}


def show(result: dict[str, Any], columns: list[str], as_json: bool) -> None:
    """Print the result: its ``rows`` as a table under the machine and what was compared."""
    result = {"machine": machine(), **result}
    if as_json:
        print(json.dumps(result, indent=2))
        return
    # into a file a table has the room that it needs
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"{result['machine']['processor']}, {result['machine']['cores']} cores")
    console.print(result["compares"], style="dim")
    table = Table(*columns, box=None)
    for row in result["rows"]:
        table.add_row(*(_cell(row.get(column, "")) for column in columns))
    console.print(table)
    for name, value in result.items():
        if name not in ("machine", "compares", "rows"):
            console.print(f"{name.replace('_', ' ')}: {_cell(value)}")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
