"""Fixtures that every test may use. Nothing here reaches beyond this machine."""

import gc
import os
import shutil
import signal
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from shared_data import shared_data
from tiny_model import build_tiny_model

from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.samples import import_samples
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build

# Several test processes share the cores: threads that wait by spinning take them from one another.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell's background job ignores SIGINT, Dagster then SIGTERM too, and so does what it starts in
# threads and waits for.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["mongo_servers", "postgres_servers"]


@pytest.fixture(scope="session", autouse=True)
def _plain_environment() -> Iterator[None]:
    """Tests see no setting of the person who runs them, and no hub is asked."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TWIN_", "DAGSTER_"))]:
            if name != "TWIN_TEST_DATA":
                patch.delenv(name)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        yield


@pytest.fixture
def settings(tmp_path: Path) -> TwinSettings:
    """Settings over an empty home."""
    return load_settings(home=tmp_path / "home", _env_file=None)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small embedding model, for what takes many builds."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build_tiny_model(folder)
    return str(folder)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the handbook's articles, which are not part of the project."""
    folder = shared_data()
    if not (folder / "handbook" / "articles.jsonl").is_file():
        pytest.skip(f"needs handbook/articles.jsonl in {folder} (set TWIN_TEST_DATA)")
    return folder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that is marked so on both of our storages, and on Dagster's own if it says so."""
    if marker := metafunc.definition.get_closest_marker("postgres_too"):
        plain = ["plain_postgres"] if marker.kwargs.get("plain") else []
        metafunc.parametrize("instance", ["sqlite", "postgres", *plain], indirect=True)


@pytest.fixture
def instance(
    settings: TwinSettings, request: pytest.FixtureRequest
) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the empty home, or one that keeps its state in Postgres."""
    kind = getattr(request, "param", "sqlite")
    if kind != "sqlite":
        yield request.getfixturevalue(f"{kind}_instance")
        return
    with open_instance(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> TwinSettings:
    """A home with the sample authors built. Shared: tests only read it."""
    settings = load_settings(home=tmp_path_factory.mktemp("samples") / "home", _env_file=None)
    with closing(open_raw_store(settings)) as store:
        import_samples(store)
    _build_all(settings)
    return settings


@pytest.fixture
def samples(settings: TwinSettings, sample_home: TwinSettings) -> None:
    """The sample authors in the empty home, with the vectors that building them would compute."""
    with closing(open_raw_store(settings)) as store:
        import_samples(store)
    shutil.copytree(sample_home.vectors_path, settings.vectors_path)


@pytest.fixture(scope="session")
def handbook_home(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TwinSettings:
    """A home with the handbook's two authors built. Shared: tests only read it."""
    settings = load_settings(home=tmp_path_factory.mktemp("handbook") / "home", _env_file=None)
    with closing(open_raw_store(settings)) as store:
        import_jsonl(data_folder / "handbook" / "articles.jsonl", store)
    _build_all(settings)
    return settings


def _build_all(settings: TwinSettings) -> None:
    with open_instance(settings) as opened:
        report = build(settings, opened, [], lambda event: None)
    assert not report.failed
    with warnings.catch_warnings():
        # Dagster leaves the event loop of every run open; no test after this is to blame for it.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
