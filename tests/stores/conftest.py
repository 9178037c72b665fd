"""The index backends that the contract's tests run against."""

from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import httpx
import pytest
from chroma_servers import running_chroma
from publishing import Backend
from qdrant_servers import NEEDS_REAL, StandIn, empty_real_server, running_stand_in

from twin_assets.stores import VectorStore
from twin_assets.stores.chroma import ChromaStore
from twin_assets.stores.faiss import FaissStore, ivf_training
from twin_assets.stores.qdrant import QdrantStore

BACKENDS = [
    "faiss",
    "chroma",
    "chroma-server",
    "qdrant",
    "qdrant-stand-in",
    pytest.param("qdrant-server", marks=NEEDS_REAL),
    pytest.param("qdrant-grpc", marks=NEEDS_REAL),
]


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running Chroma server."""
    with running_chroma(tmp_path_factory.mktemp("chroma-server")) as running:
        yield running.url


@pytest.fixture
def chroma_url(chroma_server: str) -> str:
    """The URL of a Chroma server without collections."""
    database = f"{chroma_server}/api/v2/tenants/default_tenant/databases/default_database"
    with httpx.Client() as client:
        for collection in client.get(f"{database}/collections").json():
            client.delete(f"{database}/collections/{collection['name']}").raise_for_status()
    return chroma_server


@pytest.fixture(params=["folder", "server"])
def chroma_place(request: pytest.FixtureRequest) -> str:
    """Where Chroma is: on a server, or, without a URL, in a folder."""
    return request.getfixturevalue("chroma_url") if request.param == "server" else ""


@pytest.fixture(params=["folder", "stand-in"])
def qdrant_place(request: pytest.FixtureRequest) -> str:
    """Where Qdrant is: on a stand-in for a server, or, without a URL, in a folder."""
    return request.getfixturevalue("qdrant_stand_in_url") if request.param == "stand-in" else ""


@pytest.fixture
def qdrant_stand_in() -> Iterator[StandIn]:
    """A running stand-in for a Qdrant server, without collections."""
    with running_stand_in(StandIn()) as running:
        yield running


@pytest.fixture
def qdrant_stand_in_url(qdrant_stand_in: StandIn) -> str:
    """The URL of the stand-in."""
    return qdrant_stand_in.url


@pytest.fixture
def real_qdrant() -> str:
    """The URL of a real Qdrant server without our collections."""
    return empty_real_server()


@pytest.fixture(params=BACKENDS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VectorStore]:
    """A function that opens the same store, empty at first, once more."""
    backend: str = request.param
    makers: dict[str, Callable[[], VectorStore]] = {
        "faiss": lambda: FaissStore(tmp_path / "faiss"),
        "chroma": lambda: ChromaStore(tmp_path / "chroma"),
        "chroma-server": lambda: ChromaStore(
            tmp_path / "chroma", request.getfixturevalue("chroma_url")
        ),
        "qdrant": lambda: QdrantStore(tmp_path / "qdrant"),
        "qdrant-stand-in": lambda: QdrantStore(
            tmp_path / "qdrant", request.getfixturevalue("qdrant_stand_in").url
        ),
        "qdrant-server": lambda: QdrantStore(
            tmp_path / "qdrant", request.getfixturevalue("real_qdrant")
        ),
        "qdrant-grpc": lambda: QdrantStore(
            tmp_path / "qdrant", request.getfixturevalue("real_qdrant"), grpc=True
        ),
    }
    return makers[backend]


@pytest.fixture
def store(connect: Callable[[], VectorStore]) -> VectorStore:
    """An open store."""
    return connect()


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """A backend for a module that publishes and, where it has a server, that one's fixture."""
    module, url_fixture = request.param
    return Backend(module, tmp_path, request.getfixturevalue(url_fixture) if url_fixture else "")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other take most of the time of training on so little."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture
def every_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search looks into every list, so that nothing may be missing."""
    monkeypatch.setattr(ivf_training, "_RECALL_WANTED", 1.1)
