"""Every service that `twin doctor` asks, up and down: real ones, or stand-ins on real sockets."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chroma_servers import running_chroma
from mongo_servers import find_unused_port
from pydantic import SecretStr
from qdrant_servers import VERSION, running_stand_in
from qdrant_servers import StandIn as QdrantStandIn
from tgi_servers import TgiServer, running_tgi

from twin_assets.model_folder import find_model
from twin_assets.settings import PACKAGED_MODEL, TwinSettings
from twin_serving.doctor import Finding, examine
from twin_serving.llm import guarded

SERVICES = [
    *("home", "raw store", "artifacts", "embedding model", "rerank", "index faiss", "Dagster"),
    *("language model", "telemetry", "access"),
]
DOWN = "http://user:secret@127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_assets.stores.qdrant.retries._PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(guarded, "_PAUSE_SECONDS", 0.01)


def found(settings: TwinSettings, service: str, **changes: Any) -> Finding:
    """Return what is found of the service with these settings; it is one line without secrets."""
    findings = list(examine(settings.model_copy(update=changes)))
    assert "secret" not in str(findings)
    assert "\n" not in "".join(finding.detail for finding in findings)
    return next(finding for finding in findings if finding.service == service)


def test_a_built_home_is_well(sample_home: TwinSettings) -> None:
    findings = list(examine(sample_home))
    assert [finding.service for finding in findings] == SERVICES
    assert [finding for finding in findings if not finding.fine] == []
    details = {finding.service: finding.detail for finding in findings}
    assert "SQLite 3." in details["raw store"]
    assert "authors: 3" in details["raw store"]
    assert "authors served: 3" in details["index faiss"]
    assert details["embedding model"].endswith("weights 53aa51172d14")
    assert "runs: 0" not in details["Dagster"]


def test_a_home_that_is_not_there_yet_is_well_and_is_not_made(settings: TwinSettings) -> None:
    findings = list(examine(settings))
    assert [finding.service for finding in findings] == SERVICES
    assert [finding for finding in findings if not finding.fine] == []
    assert not settings.root.exists()


def test_no_model_is_loaded_for_it(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from twin_assets.settings import load_settings\n"
        "from twin_serving.doctor import examine\n"
        f"list(examine(load_settings(home={str(tmp_path)!r})))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_home_that_is_a_file_cannot_be_written(settings: TwinSettings, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    finding = found(settings, "home", root=file)
    assert not finding.fine
    assert "cannot be written: Not a directory" in finding.detail
    assert "TWIN_HOME" in finding.detail


def test_a_raw_store_that_is_no_database(settings: TwinSettings) -> None:
    settings.root.mkdir()
    settings.raw_store_path.write_text("no database " * 100)
    finding = found(settings, "raw store")
    assert not finding.fine
    assert "raw.db" in finding.detail


def test_mongodb(settings: TwinSettings, stand_in: str) -> None:
    up = found(settings, "raw store", raw_store=SecretStr(f"{stand_in}/doctor"))
    assert up.fine, up
    assert "MongoDB " in up.detail
    assert "authors: 0" in up.detail
    link = "mongodb://user:secret@127.0.0.1:9/twin?serverSelectionTimeoutMS=200"
    down = found(settings, "raw store", raw_store=SecretStr(link))
    assert not down.fine
    assert "127.0.0.1:9 cannot be used: no server answers" in down.detail


def test_qdrant(settings: TwinSettings) -> None:
    with running_stand_in(QdrantStandIn(key="secret")) as server:
        asked = {"index": "qdrant", "qdrant_url": server.url}
        key = SecretStr("secret")
        up = found(settings, "index qdrant", qdrant_api_key=key, **asked)
        assert up.fine, up
        assert f"Qdrant {VERSION} at {server.url}" in up.detail
        refused = found(settings, "index qdrant", **asked)
        assert not refused.fine
        assert "TWIN_QDRANT_API_KEY" in refused.detail
    down = found(settings, "index qdrant", qdrant_url=DOWN)
    assert (down.fine, down.used) == (False, False)
    assert "Start it, or unset TWIN_QDRANT_URL" in down.detail
    folder = found(settings, "index qdrant", index="qdrant")
    assert (folder.fine, folder.used) == (True, True)
    assert "local mode" in folder.detail


def test_chroma(settings: TwinSettings, tmp_path: Path) -> None:
    with running_chroma(tmp_path / "chroma") as server:
        up = found(settings, "index chroma", index="chroma", chroma_url=server.url)
        assert up.fine, up
        assert f" at {server.url}" in up.detail
    down = found(settings, "index chroma", index="chroma", chroma_url=server.url)
    assert not down.fine
    assert "chroma run" in down.detail
    assert found(settings, "index chroma", index="chroma").fine


def test_the_language_model(settings: TwinSettings) -> None:
    with running_tgi(TgiServer(max_total_tokens=2048)) as server:
        up = found(settings, "language model", llm="tgi", tgi_url=server.url)
        assert up == Finding("language model", True, "tgi: tiny, reads 2,048 tokens")
    for settings_ in ({"llm": "tgi", "tgi_url": DOWN}, {"llm": "openai", "openai_url": DOWN}):
        down = found(settings, "language model", **settings_)
        assert not down.fine
        assert "Start it, or set TWIN_" in down.detail
    assert "needs TWIN_TGI_URL" in found(settings, "language model", llm="tgi").detail


@pytest.fixture
def collector() -> Iterator[str]:
    """Where something listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://user:secret@127.0.0.1:{listener.getsockname()[1]}"


def test_telemetry(settings: TwinSettings, collector: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint, fine, said in (
        (collector, True, "where something listens"),
        (f"http://127.0.0.1:{find_unused_port()}", False, "Connection refused"),
        ("http://127.0.0.1:port", False, "is no address"),
        ("secret", False, "is no address"),
    ):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        finding = found(settings, "telemetry")
        assert finding.fine is fine
        assert said in finding.detail


LONG = "a key that is long enough"
EVERYWHERE = "::"


@pytest.mark.parametrize(
    ("host", "key", "fine", "said"),
    [
        ("127.0.0.1", "", True, "this machine alone, without a key"),
        ("127.0.0.1", LONG, True, "this machine alone, with a key"),
        (EVERYWHERE, LONG, True, "other machines too, with a key"),
        (EVERYWHERE, "", False, "TWIN_API_KEY is empty"),
        (EVERYWHERE, "too short", False, "fewer than 16 characters"),
    ],
)
def test_access(settings: TwinSettings, host: str, key: str, fine: bool, said: str) -> None:
    finding = found(settings, "access", host=host, api_key=SecretStr(key))
    assert finding.fine is fine
    assert said in finding.detail
    assert not key or key not in finding.detail


def test_models(settings: TwinSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = found(settings, "embedding model", embedding_model="nobody/has-this")
    assert not away.fine
    assert "is not on this machine" in away.detail
    monkeypatch.setattr("twin_assets.model_folder.PACKAGED_SHA256", "0" * 64)
    changed = found(settings, "embedding model")
    assert not changed.fine
    assert "not the official" in changed.detail
    own = found(settings, "embedding model", embedding_model=str(find_model(PACKAGED_MODEL).path))
    assert own.fine, own
    empty = found(settings, "rerank", cross_encoder=str(tmp_path))
    assert not empty.fine
    assert "TWIN_CROSS_ENCODER" in empty.detail


def test_dagster_s_storage_is_damaged(sample_home: TwinSettings, settings: TwinSettings) -> None:
    settings.dagster_home.mkdir(parents=True)
    runs = settings.dagster_home / "history" / "runs.db"
    runs.parent.mkdir()
    runs.write_text("no database " * 100)
    finding = found(settings, "Dagster")
    assert not finding.fine
    assert "dagster.yaml" in finding.detail
