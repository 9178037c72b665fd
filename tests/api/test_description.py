"""Generated requests against what the OpenAPI description promises: no 500, nothing else."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from app_servers import SERVED

pytestmark = SERVED


def test_every_answer_is_a_documented_one(address: str, client: httpx.Client, tmp_path) -> None:
    client.post("/rag", json={"query": "How warm?"})  # the model is loaded
    schemathesis = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            schemathesis,
            "run",
            f"{address}/openapi.json",
            "--max-examples=5",
            "--generation-deterministic",
            "--request-timeout=60",
            # what is wrong with a question (an author whom nobody serves, an empty last message)
            # is not all in the schema
            "--exclude-checks=positive_data_acceptance",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "12 selected / 12 total" in done.stdout


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/rag", "POST"), ("DELETE", "/authors", "GET"), ("TRACE", "/healthz", "GET")],
)
def test_another_method_is_refused(
    client: httpx.Client, method: str, path: str, allow: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)
    assert response.headers["content-type"] == "application/problem+json"
