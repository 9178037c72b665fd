"""Ctrl-C at a terminal, which every process of the command's group hears."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing

import pytest
from builders import raw_document
from free_ports import free_port

from twin_assets.documents import Author
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.cli.build import INTERRUPTED

_AUTHORS = 40


@pytest.fixture
def environment(settings: TwinSettings) -> Mapping[str, str]:
    """That of a command over authors whose build takes some seconds."""
    with closing(open_raw_store(settings)) as store:
        for number in range(_AUTHORS):
            slug = f"author-{number:02}"
            store.put_author(Author(slug, slug.title()))
            store.upsert(
                raw_document(
                    f"https://example.com/{slug}/{entry}",
                    f"Entry {entry} of {slug} is about bread, ovens and the weather.",
                    author=slug,
                )
                for entry in range(10)
            )
    return os.environ | {"TWIN_HOME": str(settings.root)}


def interrupted(environment: Mapping[str, str], *command: str, when: str) -> tuple[int, list[str]]:
    """Return exit code and lines of a command that is interrupted at the line with ``when``."""
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if when in line:
                os.killpg(process.pid, signal.SIGINT)
    return process.returncode, lines


@pytest.mark.parametrize("command", [("build",), ("run", "end_to_end_data")])
def test_what_runs_says_in_a_line_that_it_was_interrupted(
    environment: Mapping[str, str], command: tuple[str, ...]
) -> None:
    code, lines = interrupted(environment, "-m", "twin_serving.cli", *command, when="raw_documents")
    steps = [line for line in lines if line.startswith("  ")]
    assert code == 1
    assert lines[len(steps) :] == lines[-1:]
    assert "interrupted. What was done is kept" in lines[-1]


def test_so_does_what_builds_before_it_serves(environment: Mapping[str, str]) -> None:
    ports = {"TWIN_DAGSTER_PORT": str(free_port()), "TWIN_PAGE_PORT": str(free_port())}
    command = ("-m", "twin_serving.cli", "up")
    code, lines = interrupted({**environment, **ports}, *command, when="raw_documents")
    assert (code, lines[0]) == (1, "Building what is behind …")
    assert "stopped" in lines[-2]
    assert [line for line in lines[1:] if not line.startswith("  ")] == [f"twin: {INTERRUPTED}"]


def test_so_does_a_command_that_is_still_imported(environment: Mapping[str, str]) -> None:
    told = ("-X", "importtime", "-m", "twin_serving.cli", "build")
    code, lines = interrupted(environment, *told, when=" pydantic_core._pydantic_core")
    said = [line for line in lines if not line.startswith("import time:")]
    assert (code, said) == (130, ["twin: interrupted before it began"])
