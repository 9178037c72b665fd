"""The index backends that the contract's tests run against."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twin_assets.stores import VectorStore
from twin_assets.stores.faiss import FaissStore

BACKENDS = ["faiss"]


@pytest.fixture(params=BACKENDS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VectorStore]:
    """A function that opens the same store, empty at first, once more."""
    backend: str = request.param
    makers: dict[str, Callable[[], VectorStore]] = {"faiss": lambda: FaissStore(tmp_path / "faiss")}
    return makers[backend]


@pytest.fixture
def store(connect: Callable[[], VectorStore]) -> VectorStore:
    """An open store."""
    return connect()
