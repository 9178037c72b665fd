"""The processes of a running Twin: started together, watched, ended together."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import yaml

from twin_assets.errors import BadInputError, TwinError
from twin_assets.home import PROJECT_ROOT
from twin_assets.settings import TwinSettings, address

_START_SECONDS = 120  # a cold machine imports Dagster and Gradio slowly
_END_SECONDS = 15
_POLL_SECONDS = 0.25
_TIDY_SECONDS = 30.0
_UNIX = "unix:"
UI, DAEMON, PAGE = "Dagster UI", "Dagster daemon", "page"


class ServiceError(TwinError):
    """A process did not start, or ended by itself."""


@dataclass(frozen=True, slots=True)
class Service:
    """A process to run.

    ``probe`` is a URL that answers once it works, or ``unix:`` with the socket that it listens on;
    empty when it has none.
    """

    name: str
    command: Sequence[str]
    probe: str = ""


def code_servers(folder: Path) -> list[Service]:
    """Return a server a code location, with its socket in the folder.

    The UI and the daemon share them. Left to themselves, they start their own, and the daemon
    starts its own anew every minute: 5 seconds of processor time each.
    """
    start = [sys.executable, "-m", "dagster", "code-server", "start"]
    return [
        Service(
            f"code server of {name}",
            [*start, "-m", module, "--location-name", name, "-s", f"{folder}/{name}"],
            f"{_UNIX}{folder}/{name}",
        )
        for name, module in _code_locations()
    ]


def dagster_services(settings: TwinSettings, folder: Path) -> list[Service]:
    """Return the UI and the daemon, over the code servers that have their sockets in the folder."""
    servers = [
        {"grpc_server": {"location_name": name, "socket": f"{folder}/{name}"}}
        for name, _ in _code_locations()
    ]
    workspace = f"{folder}/workspace.yaml"
    Path(workspace).write_text(json.dumps({"load_from": servers}), encoding="utf-8")
    host, port = settings.host, str(settings.dagster_port)
    ui = [sys.executable, "-m", "dagster_webserver", "-w", workspace, "-h", host, "-p", port]
    daemon = [sys.executable, "-m", "dagster._daemon", "run", "-w", workspace]
    return [
        Service(UI, ui, f"{address(host, settings.dagster_port)}/server_info"),
        Service(DAEMON, daemon),
    ]


def page_service(settings: TwinSettings) -> Service:
    """Return the page with the HTTP API."""
    command = [sys.executable, str(PROJECT_ROOT / "gradio_app.py")]
    return Service(PAGE, command, f"{address(settings.host, settings.page_port)}/healthz")


def _code_locations() -> list[tuple[str, str]]:
    workspace = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    modules = [entry["python_module"] for entry in workspace["load_from"]]
    return [(module["location_name"], module["module_name"]) for module in modules]


def check_port(host: str, port: int, variable: str) -> None:
    """Find out whether the port can be listened on.

    Raises:
        BadInputError: it cannot; the message names the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInputError(
                f"Port {port} on {host} cannot be used: {error.strerror}. "
                f"End what listens there, or set {variable} to another port."
            ) from None


class Running:
    """The services as processes; leaving the block ends every one and its children."""

    def __init__(self, settings: TwinSettings) -> None:
        """Run over the home that the settings name; each process logs to a file there."""
        self._settings = settings
        self._logs = settings.root / "logs"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # a socket's path has 107 bytes at most, and a home's may be longer
        self._sockets = tempfile.TemporaryDirectory(prefix="twin-")

    def __enter__(self) -> "Running":
        """Start nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every process, the last started first."""
        self.end()
        self._sockets.cleanup()

    def log(self, name: str) -> Path:
        """Return where the service's output goes."""
        return self._logs / f"{name.lower().replace(' ', '-')}.log"

    def start(
        self, started: Callable[[Service], None], names: Collection[str] = (UI, DAEMON, PAGE)
    ) -> None:
        """Start the code servers, then what needs them; call ``started`` for each once it works.

        Args:
            started: is told which service works, but not of the code servers.
            names: the services that are started, if not all.

        Raises:
            ServiceError: one ended, or did not answer in two minutes.
        """
        folder = Path(self._sockets.name)
        code, page = code_servers(folder), page_service(self._settings)
        services = [*dagster_services(self._settings, folder), page]
        services = [service for service in services if service.name in names]
        self._launch([*code, *(service for service in services if service == page)])
        for service in code:
            self._await(service)
        self._launch([service for service in services if service != page])
        for service in services:
            self._await(service)
            started(service)

    def _launch(self, services: Sequence[Service]) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "TWIN_HOME": str(self._settings.root),
            "DAGSTER_HOME": str(self._settings.dagster_home),
            "PYTHONUNBUFFERED": "1",
        }
        for service in services:
            with self.log(service.name).open("wb") as log:
                self._processes[service.name] = subprocess.Popen(  # noqa: S603  # commands are ours
                    service.command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C reaches us alone, and a group can be ended
                )

    def _await(self, service: Service) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while service.probe and not _answers(service.probe):
            self.check()
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"The {service.name} does not answer after {_START_SECONDS} s; "
                    f"see {self.log(service.name)}."
                )
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Look whether every process is alive.

        Raises:
            ServiceError: one has ended.
        """
        for name, process in self._processes.items():
            code = process.poll()
            if code is not None:
                raise ServiceError(f"The {name} ended (exit code {code}); see {self.log(name)}.")

    def watch(self, tidy: Callable[[], None]) -> None:
        """Return never, unless a process ends; call ``tidy`` every half minute.

        Raises:
            ServiceError: one has ended.
        """
        tidied = time.monotonic()
        while True:
            self.check()
            if time.monotonic() - tidied > _TIDY_SECONDS:
                tidy()
                tidied = time.monotonic()
            time.sleep(_POLL_SECONDS)

    def end(self) -> None:
        """Ask every process group to end, and kill what is left after 15 seconds."""
        for process in reversed(self._processes.values()):
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + _END_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
        for process in self._processes.values():
            _signal_group(process, signal.SIGKILL)  # children that outlived their parent, too
            process.wait()
        self._processes.clear()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of the group is gone
        os.killpg(process.pid, number)


def _answers(url: str) -> bool:
    if url.startswith(_UNIX):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(url.removeprefix(_UNIX)) == 0
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # the URL is ours
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
