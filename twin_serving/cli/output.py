"""How the commands speak: results to standard output, everything else to standard error."""

import json
import re
import sys
from typing import Any

from rich.console import Console

# What a terminal would act on: control characters and the bidirectional overrides.
_ACTIVE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def plain(text: str) -> str:
    """Return crawled text without the characters that a terminal would act on."""
    return _ACTIVE.sub("", text)


def write(lines: str) -> None:
    """Print many lines as they are, which Rich takes long for."""
    sys.stdout.write(plain(lines) + "\n")


def print_json(value: Any) -> None:
    """Print the value as one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Print the value as one line, at once, for whoever follows a long command."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def counted(number: int, thing: str) -> str:
    """Return ``1 window`` or ``1,250 windows``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def say(line: str) -> None:
    """Tell the person at the terminal, without mixing it into the output."""
    err.print(plain(line))
