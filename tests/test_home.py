from pathlib import Path

import pytest

from twin_assets import home
from twin_assets.errors import StorageError
from twin_assets.event_log import HomeEventLog
from twin_assets.settings import load_settings
from twin_serving.catalog import open_instance


def test_the_instance_s_settings_are_the_project_s(settings) -> None:
    home.prepare_home(settings)
    copy = (settings.dagster_home / "dagster.yaml").read_text(encoding="utf-8")
    own = (home.PROJECT_ROOT / "dagster.yaml").read_text(encoding="utf-8")
    assert "$DAGSTER_HOME" in own
    assert copy == own.replace("$DAGSTER_HOME", str(settings.dagster_home))


def test_the_instance_s_folder_may_have_any_name(tmp_path: Path) -> None:
    odd = load_settings(home=tmp_path / 'a "b": #c\\d', _env_file=None)
    with open_instance(odd) as instance:
        assert isinstance(instance.event_log_storage, HomeEventLog)
    assert (odd.dagster_home / "history" / "runs" / "index.db").is_file()


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


def test_an_instance_of_one_s_own_is_left_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    settings = load_settings(home=tmp_path / "home", dagster_instance=str(own), _env_file=None)
    assert settings.dagster_home == own
    home.prepare_home(settings)
    assert (own / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
    assert settings.indexes_path.is_dir()
    assert not (settings.root / "dagster").exists()


def test_an_instance_without_its_file_is_one_clear_line(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", dagster_instance=str(tmp_path), _env_file=None)
    with pytest.raises(StorageError, match=r"no dagster\.yaml in TWIN_DAGSTER_INSTANCE .+\.$"):
        home.prepare_home(settings)
