"""compose.yaml says what it must, and agrees with the files beside it."""

import re
from typing import Any

import pytest
from deploy_files import ROOT, read_yaml, strings, with_defaults

from twin_assets.settings import TwinSettings

COMPOSE: dict[str, Any] = read_yaml("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "env_file" in service}
ONE_SHOT = {"migrate"}
SOCKET = "/var/run/docker.sock"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_restarts_is_watched_and_keeps_its_log_short(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        assert {"test", "interval", "timeout", "start_period"} <= service["healthcheck"].keys()
    assert service["logging"]["options"]["max-size"]
    assert service["networks"] == ["twin"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_tag_that_does_not_move_by_itself(name: str) -> None:
    image = with_defaults(SERVICES[name]["image"])
    tag = image.rpartition("/")[2].partition(":")[2]
    assert re.search(r"\d", tag), image


def test_ours_is_the_version_of_the_project() -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert {with_defaults(s["image"]) for s in OURS.values()} == {f"twin:{version}"}


def test_services_wait_for_what_can_become_ready() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            done = how["condition"] == "service_completed_successfully"
            assert done == (other in ONE_SHOT), (name, other)
            assert "profiles" not in SERVICES[other], (name, other)
    assert list(SERVICES["migrate"]["depends_on"]) == ["postgres"]
    for name in OURS.keys() - ONE_SHOT:  # nothing opens the database before its schema is right
        waits = set(SERVICES[name]["depends_on"])
        assert waits in (ONE_SHOT, {"code-assets", "code-serving"}), name


def test_no_secret_stands_in_the_file_or_has_a_default() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|TOKEN|USERS", variable):
                assert value == "" or re.fullmatch(r"\$\{\w+:[-?].*\}", value), (name, variable)
                assert with_defaults(value) in ("", value), (name, variable)
    needed = re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert set(needed) == {"POSTGRES_PASSWORD", "TWIN_API_KEY", "DOCKER_GROUP"}


def test_only_the_daemon_reaches_docker_and_only_the_page_knows_its_keys() -> None:
    for name, service in SERVICES.items():
        sockets = [with_defaults(v) for v in service.get("volumes", []) if v.endswith(SOCKET)]
        expected = {"daemon": [f"{SOCKET}:{SOCKET}"], "webserver": [f"/dev/null:{SOCKET}"]}
        assert sockets == expected.get(name, []), name
        if name in OURS:
            for secret in ("TWIN_API_KEY", "TWIN_PAGE_USERS"):
                assert (service["environment"][secret] != "") == (name == "page"), (name, secret)


def test_the_page_asks_for_builds_where_the_webserver_listens() -> None:
    command = SERVICES["webserver"]["command"]
    port = command[command.index("--port") + 1]
    assert SERVICES["page"]["environment"]["TWIN_DAGSTER_API_URL"] == f"http://webserver:{port}"


def test_every_port_is_this_machine_s_alone_unless_told_otherwise() -> None:
    ports = [with_defaults(port) for s in SERVICES.values() for port in s.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000", "127.0.0.1:7860:7860"]


def test_ours_run_without_rights_to_gain() -> None:
    for name, service in OURS.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_its_settings_exist() -> None:
    known = {f"TWIN_{field.upper()}" for field in TwinSettings.model_fields}
    named = {match for text in strings(COMPOSE) for match in re.findall(r"\bTWIN_[A-Z_]+", text)}
    for path in ("Dockerfile", "deploy/secrets", "deploy/dagster.yaml"):
        named |= set(re.findall(r"\bTWIN_[A-Z]\w+", (ROOT / path).read_text(encoding="utf-8")))
    assert named
    assert named <= known


def test_the_workspace_names_the_code_locations_that_are_served() -> None:
    locations = {
        entry["grpc_server"]["host"]: entry["grpc_server"]
        for entry in read_yaml("deploy/workspace.yaml")["load_from"]
    }
    modules = {
        entry["python_module"]["location_name"]: entry["python_module"]["module_name"]
        for entry in read_yaml("workspace.yaml")["load_from"]
    }
    assert {entry["location_name"] for entry in locations.values()} == modules.keys()
    for host, entry in locations.items():
        module = modules[entry["location_name"]]
        assert SERVICES[host]["command"] == ["deploy/code-server", module]
        assert SERVICES[host]["healthcheck"]["test"][-1] == f"grpc:{entry['port']}"
        assert SERVICES[host]["environment"]["DAGSTER_CONTAINER_IMAGE"] == SERVICES[host]["image"]


def test_data_lies_in_named_volumes() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            if not volume.endswith(SOCKET):
                assert volume.partition(":")[0] in COMPOSE["volumes"], (name, volume)
