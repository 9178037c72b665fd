"""The containers of compose.yaml, and ways to ask them."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from deploy_files import ROOT

_PATIENCE = 600  # seconds; the slowest is the first start of everything on two shared cores
# Debian's client builds with BuildKit by itself; another one on the path may lack its plugin.
ENVIRONMENT = os.environ | {"PATH": f"/usr/bin:{os.environ['PATH']}"}


def wait_for(what: Callable[[], Any]) -> Any:
    """Return what it returns once that is true."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(1)
    raise AssertionError("waited in vain")


class CommandFailedError(AssertionError):
    """A command that the tests rest on did not end with 0; the message holds what it printed."""


def run(*command: str, folder: Path = ROOT) -> str:
    """Return the command's output."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailedError(f"{command}: {done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return done.stdout


@dataclass(frozen=True)
class Containers:
    """The running containers: a copy of the tree, its settings, and ways to ask."""

    folder: Path
    settings: Mapping[str, str]

    def up(self) -> None:
        run("deploy/up", folder=self.folder)

    def down(self) -> None:
        run("deploy/down", folder=self.folder)

    def compose(self, *arguments: str) -> str:
        return run("deploy/compose", *arguments, folder=self.folder)

    def twin(self, *arguments: str) -> str:
        return self.compose("exec", "-T", "page", "twin", *arguments)

    def kill(self, container: str) -> None:
        run("docker", "kill", container)

    def inspect(self, container: str, template: str) -> str:
        return run("docker", "inspect", "--format", template, container).strip()

    def of(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()

    def graphql(self, query: str, **variables: Any) -> Any:
        answer = httpx.post(
            f"http://127.0.0.1:{self.settings['DAGSTER_PORT']}/graphql",
            json={"query": query, "variables": variables},
            timeout=60,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def page(self, method: str, path: str, *, key: bool = True, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.settings['TWIN_API_KEY']}"} if key else {}
        url = f"http://{self.settings['PAGE_ADDRESS']}{path}"
        return httpx.request(method, url, headers=headers, timeout=120, **options)
