"""`twin up` as a process: the real webserver, daemon and page, started, used and ended."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from free_ports import free_port

from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store

PATIENCE = 150  # seconds; CI's machines are slow and shared


@dataclass
class Up:
    process: "subprocess.Popen[str]"
    home: Path
    dagster: str
    page: str
    said: list[str]


def wait_for(what: Callable[[], object]) -> object:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.5)
    raise AssertionError("waited in vain")


def processes_of(home: Path) -> list[int]:
    """Return the processes that have the home in their environment."""
    mark = f"TWIN_HOME={home}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture
def up(sample_home: TwinSettings, tmp_path: Path) -> Iterator[Up]:
    """Start `twin up` on a copy of the samples' home, and wait until it says that all is there."""
    home = tmp_path / "home"
    shutil.copytree(sample_home.root, home)
    ports = {"TWIN_DAGSTER_PORT": str(free_port()), "TWIN_PAGE_PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", "twin_serving.cli", "up", "--demo"],
        env=os.environ | ports | {"TWIN_HOME": str(home)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    impatience = threading.Timer(PATIENCE, process.kill)
    impatience.start()
    said = []
    for line in process.stderr:
        said.append(line.rstrip())
        if line.startswith("Ctrl-C"):
            break
    impatience.cancel()
    assert process.poll() is None, said
    yield Up(
        process,
        home,
        f"http://127.0.0.1:{ports['TWIN_DAGSTER_PORT']}",
        f"http://127.0.0.1:{ports['TWIN_PAGE_PORT']}",
        said,
    )
    process.kill()
    process.wait()
    process.stderr.close()
    for pid in processes_of(home):
        os.kill(pid, signal.SIGKILL)


def test_everything_starts_takes_up_a_new_author_and_ends(up: Up):
    assert [line.split("  ")[0] for line in up.said[-4:-1]] == [
        "Dagster UI",
        "Dagster daemon",
        "page",
    ]
    assert httpx.get(f"{up.page}/healthz").json() == {"status": "ok"}
    query = "{ assetNodes { assetKey { path } } }"
    answer = httpx.post(f"{up.dagster}/graphql", json={"query": query}, timeout=60).json()
    names = {node["assetKey"]["path"][0] for node in answer["data"]["assetNodes"]}
    assert names >= {"raw_documents", "faiss_index", "index_comparison"}

    document = {
        "author": "Ada Quillfeather",
        "platform": "blog",
        "category": "article",
        "link": "https://example.com/lamps",
        "title": "Lamps",
        "text": "The lamp in the lighthouse is trimmed at dusk by the keeper's daughter.",
    }
    file = up.home / "new.jsonl"
    file.write_text(json.dumps(document), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "twin_serving.cli", "import", str(file)],
        env=os.environ | {"TWIN_HOME": str(up.home)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    store = create_store("faiss", TwinSettings(home=up.home, _env_file=None))  # type: ignore[call-arg]
    wait_for(lambda: store.serving("ada-quillfeather"))  # the sensor, the queue and a run worker

    assert len(processes_of(up.home)) >= 4
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert processes_of(up.home) == []


def test_a_service_that_dies_ends_the_others_and_is_named(up: Up):
    (page,) = [
        pid
        for pid in processes_of(up.home)
        if b"gradio_app.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(page, signal.SIGKILL)
    assert up.process.wait(60) == 1
    assert up.process.stderr is not None
    last = up.process.stderr.read().splitlines()[-1]
    assert last.startswith("twin: The page ended (exit code -9); see ")
    assert processes_of(up.home) == []
