"""A running Chroma server for tests: ``chroma run``, which comes with the package."""

import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from mongo_servers import find_unused_port


@dataclass(frozen=True)
class Running:
    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_chroma(folder: Path) -> Iterator[Running]:
    """Run a server over the folder until the block ends."""
    port = find_unused_port()
    command = [str(Path(sysconfig.get_path("scripts")) / "chroma"), "run"]
    command += ["--path", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(url, process)
        yield Running(url, process)
    finally:
        process.kill()
        process.wait(10)


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/api/v2/heartbeat", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
        assert process.poll() is None, "chroma run has ended"
    raise AssertionError(f"{url} does not answer")
