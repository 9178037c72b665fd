from pathlib import Path

import pytest

from twin_assets import home
from twin_assets.errors import StorageError


def test_the_instance_s_settings_are_the_project_s(settings) -> None:
    home.prepare_home(settings)
    copy = settings.dagster_home / "dagster.yaml"
    assert copy.read_bytes() == (home.PROJECT_ROOT / "dagster.yaml").read_bytes()


def test_a_copy_that_is_equal_is_not_written_again(settings) -> None:
    home.prepare_home(settings)
    copy = settings.dagster_home / "dagster.yaml"
    before = copy.stat().st_ino
    home.prepare_home(settings)
    assert copy.stat().st_ino == before
    copy.write_text("telemetry: {enabled: true}")
    home.prepare_home(settings)
    assert b"enabled: false" in copy.read_bytes()


def test_an_installation_without_a_checkout_is_one_clear_line(
    settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(home, "PROJECT_ROOT", tmp_path)
    with pytest.raises(StorageError, match=r"dagster\.yaml is missing .*pip install -e"):
        home.prepare_home(settings)
