"""TWIN_HOME: the one folder that holds everything, the Dagster instance included."""

import shutil
from pathlib import Path

from twin_assets.errors import StorageError
from twin_assets.settings import TwinSettings

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def prepare_home(settings: TwinSettings) -> None:
    """Make the folders and put the project's ``dagster.yaml`` where the instance reads it.

    Raises:
        StorageError: TWIN_HOME cannot be written.
    """
    try:
        for folder in (settings.dagster_home, settings.artifacts_path, settings.indexes_path):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT_ROOT / "dagster.yaml", settings.dagster_home / "dagster.yaml")
    except OSError as error:
        raise StorageError(
            f"TWIN_HOME {settings.root} cannot be written: {error.strerror}. "
            "Set TWIN_HOME to a folder that you may write to."
        ) from None
