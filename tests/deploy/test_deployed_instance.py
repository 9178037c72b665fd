"""deploy/dagster.yaml is what Dagster reads, and fits compose.yaml and the image."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.config import (
    get_default_tick_retention_settings,
    get_tick_retention_settings,
)
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import TickStatus
from dagster_docker import DockerRunLauncher
from deploy_files import DEPLOY, ROOT, read_yaml, strings

from twin_assets.errors import StorageError
from twin_assets.postgres_storage import PostgresStorage
from twin_assets.settings import load_settings
from twin_serving.catalog import open_instance

YAML: dict[str, Any] = read_yaml("deploy/dagster.yaml")
COMPOSE: dict[str, Any] = read_yaml("compose.yaml")
VARIABLES = {"POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}


@pytest.fixture
def ref(monkeypatch: pytest.MonkeyPatch) -> InstanceRef:
    """The instance as Dagster reads it, in the environment that compose.yaml gives it."""
    for variable in VARIABLES:
        monkeypatch.setenv(variable, f"the {variable}")
    return InstanceRef.from_dir(str(DEPLOY))


def test_dagster_accepts_every_part(ref: InstanceRef) -> None:
    launcher = ref.run_launcher
    assert isinstance(launcher, DockerRunLauncher)
    assert ref.run_coordinator is not None
    assert ref.compute_log_manager is not None
    storage = ref.storage_data
    assert storage is not None
    assert getattr(import_module(storage.module_name), storage.class_name) is PostgresStorage
    config = process_config(
        resolve_to_config_type(PostgresStorage.config_type()), yaml.safe_load(storage.config_yaml)
    )
    assert config.success, config.errors
    postgres = str(config.value["postgres_db"])
    assert "the POSTGRES_PASSWORD" in postgres
    assert "postgresql+psycopg2" in postgres


def test_a_run_that_is_lost_is_noticed_and_tried_again(ref: InstanceRef) -> None:
    assert ref.settings["run_monitoring"]["enabled"] is True
    assert ref.settings["run_retries"]["enabled"] is True
    assert ref.settings["run_retries"]["max_retries"] > 0


def test_what_is_said_of_one_machine_is_said_of_the_containers(ref: InstanceRef) -> None:
    one = read_yaml("dagster.yaml")
    assert ref.settings["concurrency"]["pools"] == one["concurrency"]["pools"]
    assert ref.settings["run_retries"] == one["run_retries"]
    assert ref.settings["freshness"] == one["freshness"]
    assert one["run_monitoring"].items() <= ref.settings["run_monitoring"].items()


def test_ticks_are_not_kept_for_ever(ref: InstanceRef) -> None:
    kinds = {
        "schedule": InstigatorType.SCHEDULE,
        "sensor": InstigatorType.SENSOR,
        "auto_materialize": InstigatorType.AUTO_MATERIALIZE,
    }
    for name, kind in kinds.items():
        kept = get_tick_retention_settings(
            ref.settings["retention"][name], get_default_tick_retention_settings(kind)
        )
        assert {TickStatus.SKIPPED, TickStatus.SUCCESS, TickStatus.FAILURE} <= kept.keys()
        assert all(days > 0 for status, days in kept.items() if status != TickStatus.STARTED)


def test_nothing_is_reported_home(ref: InstanceRef) -> None:
    assert ref.settings["telemetry"] == {"enabled": False}
    assert ref.settings["nux"] == {"enabled": False}


def test_the_containers_of_runs_get_what_the_instance_needs(ref: InstanceRef) -> None:
    launcher = ref.run_launcher
    assert isinstance(launcher, DockerRunLauncher)
    read = {value for value in strings(YAML) if value.startswith("POSTGRES_")}
    assert read == VARIABLES == set(launcher.env_vars)
    environment = COMPOSE["services"]["daemon"]["environment"]
    assert environment.keys() >= VARIABLES  # where the launcher takes the values from
    assert environment["DAGSTER_HOME"] == environment["TWIN_DAGSTER_INSTANCE"] == "/opt/twin/deploy"


def test_they_join_the_network_and_the_volume_of_the_services(ref: InstanceRef) -> None:
    launcher = ref.run_launcher
    assert isinstance(launcher, DockerRunLauncher)
    assert launcher.networks == [COMPOSE["networks"]["twin"]["name"]]
    (volume,) = launcher.container_kwargs["volumes"]
    name, _, folder = volume.partition(":")
    assert name == COMPOSE["volumes"]["home"]["name"]
    assert f"home:{folder}" in COMPOSE["services"]["code-assets"]["volumes"]
    assert f"TWIN_HOME={folder} " in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert YAML["compute_logs"]["config"]["base_dir"].startswith(folder)
    assert YAML["local_artifact_storage"]["config"]["base_dir"].startswith(folder)


def test_without_its_variables_it_is_one_line_that_names_them(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, dagster_instance=str(DEPLOY), _env_file=None)
    with pytest.raises(StorageError, match=r"^.*POSTGRES_PASSWORD.* not set\. .+\.$") as caught:
        open_instance(settings)
    assert "\n" not in str(caught.value)


def test_one_whose_storage_fails_is_one_line_without_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(
        "storage: {postgres: {postgres_url: 'nodb://user:hunter2@127.0.0.1/x'}}"
    )
    settings = load_settings(home=tmp_path, dagster_instance=str(tmp_path), _env_file=None)
    with pytest.raises(StorageError, match=r"cannot be opened: \w+\. ") as caught:
        open_instance(settings)
    assert "hunter2" not in str(caught.value)
