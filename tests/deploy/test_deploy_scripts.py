"""The scripts of deploy/, run for themselves."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import pytest
from deploy_files import DEPLOY
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    plain = {name: v for name, v in os.environ.items() if not name.startswith(("AWS_", "TWIN_"))}
    return subprocess.run(
        command, env=plain | environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of deploy/ that may be written to."""
    return Path(
        shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns(".env*"))
    )


def settings_in(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_passwords_are_made_once_and_for_the_owner_s_eyes(copy: Path) -> None:
    done = run(str(copy / "secrets"))
    assert done.returncode == 0, done.stderr
    file = copy / ".env"
    assert file.stat().st_mode & 0o777 == 0o600
    made = settings_in(file)
    secrets = {name: v for name, v in made.items() if name.endswith(("PASSWORD", "KEY"))}
    assert set(secrets) >= {"POSTGRES_PASSWORD", "MONGO_PASSWORD", "TWIN_API_KEY"}
    assert all(len(value) == 48 for value in secrets.values())
    assert len(set(secrets.values())) == len(secrets)
    assert made["DOCKER_GROUP"].isdecimal()
    assert not any(value in done.stdout for value in secrets.values())
    assert run(str(copy / "secrets")).stdout == ""
    assert settings_in(file) == made


@pytest.fixture
def stub_dagster(tmp_path: Path) -> str:
    """A PATH on which `dagster` prints its arguments, one a line."""
    program = tmp_path / "bin" / "dagster"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.fixture
def stub_docker(tmp_path: Path) -> str:
    """A PATH on which `docker` notes its arguments, and all that it is asked about is healthy."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    said = 'echo "$@" >>"$DOCKER_CALLS"; case $1 in inspect) echo healthy ;; port) echo :1 ;; esac'
    program.write_text(f"#!/bin/sh\n{said}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def up(copy: Path, path: str, **changed: str) -> tuple["subprocess.CompletedProcess[str]", str]:
    """Start with changed settings; return how that ended, and what docker was told."""
    assert run(str(copy / "secrets")).returncode == 0
    made = settings_in(copy / ".env") | changed
    (copy / ".env").write_text("".join(f"{name}={value}\n" for name, value in made.items()))
    calls = copy / "calls"
    calls.touch()
    done = run(str(copy / "up"), PATH=path, DOCKER_CALLS=str(calls))
    return done, calls.read_text()


def test_starting_builds_the_image(copy: Path, stub_docker: str) -> None:
    done, calls = up(copy, stub_docker)
    assert done.returncode == 0, done.stderr
    assert "build migrate" in calls
    assert "pull" not in calls
    assert "up --detach" in calls


def test_an_image_of_one_s_own_is_pulled_and_not_built_over(copy: Path, stub_docker: str) -> None:
    done, calls = up(copy, stub_docker, IMAGE="registry.example/twin:0.1.0")
    assert done.returncode == 0, done.stderr
    assert "pull registry.example/twin:0.1.0\n" in calls
    assert "build" not in calls


def test_databases_are_healthy_before_whoever_asks_them_is_started(
    copy: Path, stub_docker: str
) -> None:
    _, before = up(copy, stub_docker)
    ups = [call.partition(" up --detach ")[2] for call in before.splitlines()]
    assert [call for call in ups if call] == ["mongodb", "qdrant", "--remove-orphans"]
    _, calls = up(copy, stub_docker, COMPOSE_PROFILES="gpu,qdrant")
    calls = calls.removeprefix(before)
    first, second, *_ = (call for call in calls.splitlines() if " up " in call)
    assert first.endswith("up --detach qdrant")
    assert second.endswith("up --detach --remove-orphans")
    between = calls[calls.index(first) : calls.index(second)]
    assert "inspect --format {{.State.Health.Status}}" in between


@pytest.mark.parametrize("name", ["MONGO_PASSWORD", "TWIN_QDRANT_API_KEY"])
def test_a_database_without_its_password_is_not_started(
    copy: Path, stub_docker: str, name: str
) -> None:
    done, calls = up(copy, stub_docker, **{name: ""})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} is missing in deploy/.env")
    assert done.stderr.count("\n") == 1
    assert calls == ""
    done, _ = up(copy, stub_docker, **{name: "", "COMPOSE_PROFILES": "gpu"})
    assert done.returncode == 0


def test_a_code_location_hands_on_the_names_of_its_settings_and_no_value(stub_dagster: str) -> None:
    done = run(
        str(DEPLOY / "code-server"),
        "twin_assets.definitions",
        PATH=stub_dagster,
        TWIN_HOME="/home",
        TWIN_GITHUB_TOKEN="hunter2",  # noqa: S106
        AWS_ACCESS_KEY_ID="hunter3",
        TWIN_API_KEY="",
        OTHER="1",
    )
    arguments = done.stdout.splitlines()
    assert "twin_assets.definitions" in arguments
    context = json.loads(arguments[arguments.index("--container-context") + 1])
    assert context == {
        "docker": {"env_vars": ["AWS_ACCESS_KEY_ID", "TWIN_GITHUB_TOKEN", "TWIN_HOME"]}
    }
    assert "hunter" not in done.stdout


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/good" else 503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def http() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def healthy(what: str) -> "subprocess.CompletedProcess[str]":
    return run(sys.executable, str(DEPLOY / "healthy.py"), what)


def test_a_page_is_healthy_when_it_answers_that_it_is(http: str) -> None:
    assert healthy(f"{http}/good").returncode == 0
    bad = healthy(f"{http}/bad")
    assert bad.returncode == 1
    assert "503" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_code_location_is_healthy_when_it_serves() -> None:
    servicer = health.HealthServicer()
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        assert healthy(f"grpc:{port}").returncode == 1  # it does not know Dagster's service yet
        servicer.set("DagsterApi", HealthCheckResponse.NOT_SERVING)
        assert healthy(f"grpc:{port}").returncode == 1
        servicer.set("DagsterApi", HealthCheckResponse.SERVING)
        assert healthy(f"grpc:{port}").returncode == 0
        server.stop(None).wait()
    gone = healthy(f"grpc:{port}")
    assert gone.returncode == 1
    assert "Traceback" not in gone.stderr
