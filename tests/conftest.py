"""Fixtures that every test may use. Nothing here reaches beyond this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin_assets.settings import TwinSettings, load_settings


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
def data_folder() -> Path:
    """The folder with the handbook's articles, which are not part of the project."""
    folder = Path(os.environ.get("TWIN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "handbook" / "articles.jsonl").is_file():
        pytest.skip(f"needs handbook/articles.jsonl in {folder} (set TWIN_TEST_DATA)")
    return folder
