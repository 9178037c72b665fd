"""An S3 server on this machine: moto's, spoken to over a socket by the AWS client in pyarrow."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from free_ports import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "hunter2"}


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
            stdout=output,
            stderr=output,
        )
    address = f"127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"http://{address}/moto-api/data.json")
                break
            except httpx.TransportError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def bucket(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a folder in an empty bucket, as TWIN_ARTIFACTS takes it."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{tmp_path.name.replace('_', '-')[-40:].strip('-')}-{time.time_ns()}"
    client = boto3.client("s3", endpoint_url=f"http://{s3_server}", region_name="us-east-1")
    client.create_bucket(Bucket=name)
    client.close()
    return f"s3://{name}/twin?region=us-east-1&scheme=http&endpoint_override={s3_server}"
