"""Which raw store the setting names, and that nothing shows the password in it."""

import logging
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from pydantic import ValidationError

from twin_assets.assets import patience
from twin_assets.definitions import build_definitions
from twin_assets.errors import BadInputError
from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.mongo import MongoRawStore
from twin_assets.raw_store.sqlite import SqliteRawStore
from twin_assets.settings import TwinSettings, env_example, load_settings

LINK = "mongodb://maud:p%40ssword@127.0.0.1:1/twin"


def assert_secret_free(text: str) -> None:
    assert not [part for part in ("maud", "p%40ss", "p@ss", "ssword") if part in text]


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TwinSettings:
    monkeypatch.setenv("TWIN_RAW_STORE", LINK)
    return load_settings(home=tmp_path / "home", _env_file=None)


def test_without_a_setting_it_is_the_file_in_the_home(settings: TwinSettings) -> None:
    with closing(open_raw_store(settings)) as store:
        assert isinstance(store, SqliteRawStore)
    assert settings.raw_store_path.is_file()


def test_a_mongodb_link_is_a_store_on_that_server(tmp_path: Path, mongo_link: str) -> None:
    settings = load_settings(home=tmp_path / "home", raw_store=mongo_link, _env_file=None)
    with closing(open_raw_store(settings)) as store:
        assert isinstance(store, MongoRawStore)
        assert store.authors() == []
    assert not settings.root.exists()


@pytest.mark.parametrize(
    "value",
    ["raw.db", "postgres://maud:p%40ssword@host", "mongodb:maud:p%40ssword", " mongodb://h"],
)
def test_any_other_value_is_refused_and_not_repeated(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWIN_RAW_STORE", value)
    with pytest.raises(BadInputError, match=r"^TWIN_RAW_STORE cannot be used: .+mongodb://") as bad:
        load_settings()
    assert value not in str(bad.value)
    assert_secret_free(f"{bad.value!r} {bad.value.__cause__!r}")
    with pytest.raises(ValidationError) as invalid:
        TwinSettings()
    assert_secret_free(f"{invalid.value} {invalid.value!r}")


def test_a_fault_elsewhere_does_not_show_the_link(
    secret: TwinSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWIN_PAGE_PORT", "0")
    with pytest.raises(ValidationError) as invalid:
        TwinSettings()
    assert_secret_free(f"{invalid.value} {invalid.value!r}")


def test_settings_never_show_the_password(secret: TwinSettings) -> None:
    assert secret.raw_store.get_secret_value() == LINK
    shown = [repr(secret), str(secret), secret.model_dump_json(), str(secret.model_dump())]
    assert_secret_free(" ".join([*shown, env_example()]))


def test_dagster_never_shows_the_password(
    secret: TwinSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(patience, "_PAUSE", 0.0)
    caplog.set_level(logging.DEBUG, logger="dagster")
    definitions = build_definitions(secret)
    repository = definitions.get_repository_def()
    job = repository.get_job("end_to_end_data")
    assert_secret_free(str(dg.serialize_value(job.get_job_snapshot())))
    assert_secret_free(repr(definitions) + repr(repository.get_top_level_resources()))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("author", ["ada"])
        done = job.execute_in_process(
            instance=instance,
            partition_key="ada",
            raise_on_error=False,
            asset_selection=[dg.AssetKey("raw_documents")],
        )
        assert not done.success
        events = [dg.serialize_value(event) for event in instance.all_logs(done.run_id)]
    assert "127.0.0.1:1 cannot be used" in str(events)
    out, err = capfd.readouterr()
    assert_secret_free(" ".join([*events, caplog.text, out, err]))
