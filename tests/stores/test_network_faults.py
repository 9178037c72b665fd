"""Which faults of a database are that no answer came: those alone are tried again later."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from publishing import version_of

from twin_assets.errors import StorageError, StorageUnavailableError
from twin_assets.stores import VectorStore
from twin_assets.stores.chroma import ChromaStore
from twin_assets.stores.faults import as_one_line
from twin_assets.stores.qdrant import QdrantStore, retries


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_PAUSES", ())


@pytest.mark.parametrize("make", [QdrantStore, ChromaStore])
def test_a_server_that_is_away(
    make: Callable[[Path, str], VectorStore], tmp_path: Path, unused_port: int
) -> None:
    store = make(tmp_path, f"http://127.0.0.1:{unused_port}")
    with pytest.raises(StorageUnavailableError):
        store.publish(version_of("ada", 1))


def test_a_qdrant_server_that_is_away_by_grpc(tmp_path: Path, unused_port: int) -> None:
    store = QdrantStore(tmp_path, f"http://127.0.0.1:{unused_port}", grpc=True)
    with pytest.raises(StorageUnavailableError):
        store.publish(version_of("ada", 1))


@pytest.mark.parametrize(
    "error",
    [ValueError("wrong"), OSError("disk full"), KeyError("k"), httpx.InvalidURL("no")],
    ids=repr,
)
def test_what_another_attempt_would_not_mend(error: Exception) -> None:
    with pytest.raises(StorageError) as caught, as_one_line(str):
        raise error
    assert not isinstance(caught.value, StorageUnavailableError)
