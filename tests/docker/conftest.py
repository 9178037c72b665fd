"""A Docker engine, and Twin's containers on it, started as `make up-docker` does."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import ENVIRONMENT, Containers, run
from deploy_files import ROOT
from free_ports import free_port

_CACHE = Path(os.environ.get("TWIN_TEST_DOCKER_CACHE", "/var/cache/twin-docker-tests"))


def _answers() -> bool:
    done = subprocess.run(["docker", "info"], env=ENVIRONMENT, capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine: the one that runs, or one that is started for the tests."""
    if shutil.which("docker") is None:
        pytest.skip("there is no Docker here: tests/docker/run installs it on Debian")
    if _answers():
        yield
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip(
            "no Docker engine answers, and none can be started: that takes root and dockerd"
        )
    with Path("/var/log/twin-tests-dockerd.log").open("wb") as log:
        process = subprocess.Popen(["dockerd"], stdout=log, stderr=log)
    for _ in range(60):
        if _answers() or process.poll() is not None:
            break
        time.sleep(1)
    if not _answers():
        process.kill()
        pytest.skip(f"dockerd does not start; see {log.name}")
    yield
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def containers(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """Everything started from a copy of the tree, with the embedded stores."""
    if "twin-home" in run("docker", "volume", "ls", "--format", "{{.Name}}").split():
        pytest.skip("a Twin lives on this Docker engine: its volume twin-home must not be touched")
    run("tests/docker/images", str(_CACHE), sys.executable)
    folder = tmp_path_factory.mktemp("tree")
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    for wheel in (_CACHE / "wheels").glob("*.whl"):
        shutil.copy2(wheel, folder / "deploy" / "wheels")
    settings = _settings(folder)
    found = Containers(folder, settings)
    try:
        found.up()
        yield found
    finally:
        found.down()
        found.compose("down", "--volumes")


def _settings(folder: Path) -> dict[str, str]:
    """Make deploy/.env as the first start does, and leave out what needs images of others."""
    run("deploy/secrets", folder=folder)
    path = folder / "deploy" / ".env"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "=" in line]
    settings = dict(line.split("=", 1) for line in lines)
    for name in ("COMPOSE_PROFILES", "TWIN_RAW_STORE", "TWIN_INDEX", "TWIN_QDRANT_URL"):
        del settings[name]
    settings |= {
        "COMPOSE_PROJECT_NAME": "twin-test",
        "DAGSTER_PORT": str(free_port()),
        "PAGE_ADDRESS": f"127.0.0.1:{free_port()}",
        "PIP_NO_INDEX": "1",
        "TWIN_KEEP_VERSIONS": "3",
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return settings
