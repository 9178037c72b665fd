"""TWIN_HOME: the one folder that holds everything, the Dagster instance included."""

import json
from pathlib import Path

from twin_assets.errors import StorageError
from twin_assets.files import replacing
from twin_assets.settings import TwinSettings

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def prepare_home(settings: TwinSettings) -> None:
    """Make the folders and put the project's ``dagster.yaml`` where the instance reads it.

    An instance of the user's own, TWIN_DAGSTER_INSTANCE, is left as it is.

    Raises:
        StorageError: TWIN_HOME cannot be written, or a ``dagster.yaml`` is missing.
    """
    copied = not settings.dagster_instance
    if copied and not (PROJECT_ROOT / "dagster.yaml").is_file():
        raise StorageError(
            f"{PROJECT_ROOT} is no checkout of Twin: dagster.yaml is missing there. "
            "Install Twin from its checkout, as `make up` does (pip install -e)."
        )
    if not copied and not (settings.dagster_home / "dagster.yaml").is_file():
        raise StorageError(
            f"There is no dagster.yaml in TWIN_DAGSTER_INSTANCE {settings.dagster_home}. "
            "Name the folder that holds it, or leave the setting empty."
        )
    try:
        for folder in (settings.vectors_path.parent, settings.indexes_path):
            folder.mkdir(parents=True, exist_ok=True)
        if copied:
            content = instance_settings(settings.dagster_home).encode()
            _keep(settings.dagster_home / "dagster.yaml", content)
    except OSError as error:
        raise StorageError(
            f"TWIN_HOME {settings.root} cannot be written: {error.strerror}. "
            "Set TWIN_HOME to a folder that you may write to."
        ) from None


def instance_settings(dagster_home: Path) -> str:
    """Return the project's ``dagster.yaml`` for the instance in this folder.

    Raises:
        OSError: the project's cannot be read.
    """
    text = (PROJECT_ROOT / "dagster.yaml").read_text(encoding="utf-8")
    return text.replace("$DAGSTER_HOME", json.dumps(str(dagster_home))[1:-1])


def _keep(path: Path, content: bytes) -> None:
    """Write the file where it differs, so that a process that reads it never sees a part."""
    if not path.is_file() or path.read_bytes() != content:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
