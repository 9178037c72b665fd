"""The `twin` command in this process, so that the embedding model is loaded once."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from twin_serving.cli.app import load
from twin_serving.cli.app import run as run_command


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch, capfd, tmp_path) -> Run:
    """Run `twin` with arguments on a home of its own, or on ``home``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, home: object = tmp_path / "home") -> Done:
        monkeypatch.setenv("TWIN_HOME", str(home))
        monkeypatch.setattr(sys, "argv", ["twin", *map(str, arguments)])
        capfd.readouterr()
        try:
            run_command(load())
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return run
