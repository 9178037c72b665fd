"""The values for Dagster's chart, and the manifest beside it, say what the containers say."""

from typing import Any

import yaml
from dagster._core.instance.config import dagster_instance_config_schema
from deploy_files import DEPLOY, ROOT, read_yaml

VALUES: dict[str, Any] = read_yaml("deploy/helm-values.yaml")
INSTANCE: dict[str, Any] = read_yaml("deploy/dagster.yaml")
MANIFEST: list[dict[str, Any]] = list(
    yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
)


def manifest(kind: str) -> dict[str, Any]:
    (one,) = [document for document in MANIFEST if document["kind"] == kind]
    return one


def test_only_parts_of_the_chart_are_set() -> None:
    assert VALUES.keys() == {
        "global",
        "postgresql",
        "generatePostgresqlPasswordSecret",
        "dagsterWebserver",
        "dagster-user-deployments",
        "runLauncher",
        "dagsterDaemon",
        "concurrency",
        "additionalInstanceConfig",
        "computeLogManager",
        "retention",
        "telemetry",
    }


def test_the_queue_and_the_retries_are_those_of_the_containers() -> None:
    daemon = VALUES["dagsterDaemon"]
    assert VALUES["concurrency"]["enabled"]
    for name, limits in INSTANCE["concurrency"].items():
        assert snake(VALUES["concurrency"][name]) == limits
    for name, value in VALUES["additionalInstanceConfig"].items():
        assert INSTANCE[name] == value
    assert snake(daemon["runMonitoring"]) == INSTANCE["run_monitoring"]
    assert snake(daemon["runRetries"]) == INSTANCE["run_retries"]
    known = dagster_instance_config_schema()
    for name in ("runMonitoring", "runRetries"):
        fields = known[next(iter(snake({name: 0})))].config_type.fields  # type: ignore[attr-defined]
        assert snake(daemon[name]).keys() <= fields.keys()


def test_what_is_kept_is_kept_as_long() -> None:
    for kind, value in INSTANCE["retention"].items():
        days = VALUES["retention"]["autoMaterialize" if kind == "auto_materialize" else kind]
        assert value["purge_after_days"].items() <= days["purgeAfterDays"].items()


def test_the_code_locations_are_those_of_the_workspace() -> None:
    modules = [entry["python_module"] for entry in read_yaml("workspace.yaml")["load_from"]]
    served = VALUES["dagster-user-deployments"]["deployments"]
    assert [location["codeServerArgs"] for location in served] == [
        ["--module-name", module["module_name"], "--location-name", module["location_name"]]
        for module in modules
    ]
    assert all(location["includeConfigInLaunchedRuns"] == {"enabled": True} for location in served)
    called = VALUES["dagsterWebserver"]["workspace"]["servers"]
    assert [server["name"] for server in called] == [m["location_name"] for m in modules]
    assert [(server["host"], server["port"]) for server in called] == [
        (location["name"], location["port"]) for location in served
    ]


def test_no_container_has_privileges() -> None:
    of_runs = VALUES["runLauncher"]["config"]["k8sRunLauncher"]["securityContext"]
    pods = VALUES["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]["podSpecConfig"]
    for location in VALUES["dagster-user-deployments"]["deployments"]:
        assert location["podSecurityContext"]["runAsNonRoot"]
        assert location["podSecurityContext"] == pods["securityContext"]
        assert location["securityContext"] == of_runs
    assert of_runs == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_nothing_secret_is_in_it() -> None:
    assert VALUES["generatePostgresqlPasswordSecret"] is False
    assert "postgresqlPassword" not in VALUES["postgresql"]
    plain = {"TWIN_DAGSTER_INSTANCE", "TWIN_DAGSTER_API_URL"}
    for environment in manifest("Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]:
        assert "valueFrom" in environment or environment["name"] in plain


def test_the_page_s_passwords_reach_nobody_else() -> None:
    page = manifest("Deployment")["spec"]["template"]["spec"]["containers"][0]
    secrets = [source["secretRef"]["name"] for source in page["envFrom"]]
    assert secrets == ["twin", "twin-page"]
    for location in VALUES["dagster-user-deployments"]["deployments"]:
        assert location["envSecrets"] == [{"name": "twin"}]


def test_the_page_uses_the_same_volume_instance_and_image() -> None:
    claim = manifest("PersistentVolumeClaim")["metadata"]["name"]
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    page = pod["containers"][0]
    (location, _) = VALUES["dagster-user-deployments"]["deployments"]
    assert page["image"] == "{repository}:{tag}".format(**location["image"])
    assert f":-twin:{location['image']['tag']}}}" in (ROOT / "compose.yaml").read_text("utf-8")
    assert location["volumes"] == [v for v in pod["volumes"] if v["name"] == "home"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim
    home = location["volumeMounts"][0]["mountPath"]
    assert f"TWIN_HOME={home} " in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    mounts = {mount["name"]: mount["mountPath"] for mount in page["volumeMounts"]}
    environment = {variable["name"]: variable for variable in page["env"]}
    assert mounts["home"] == home
    assert mounts["instance"] == environment["TWIN_DAGSTER_INSTANCE"]["value"]
    secret = environment["DAGSTER_PG_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"]
    assert secret == VALUES["global"]["postgresqlSecretName"]


def snake(value: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping with its names as Dagster writes them in dagster.yaml."""
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in name): inner
        for name, inner in value.items()
    }
