"""What the documents name is there: pictures, commands, settings, checks, sensors, schedules."""

import re
import struct
from pathlib import Path

import pytest
import typer

from twin_assets.definitions import build_definitions
from twin_assets.settings import TwinSettings
from twin_serving.cli.app import build_app
from twin_serving.definitions import build_definitions as build_measurements

ROOT = Path(__file__).parents[1]
DOCUMENTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
DAGSTER = DOCUMENTS["dagster.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def targets(document: str) -> set[str]:
    return set(re.findall(r"\]\(([^)#]+)\)", document))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_links_lead_somewhere(name):
    here = {target for target in targets(DOCUMENTS[name]) if not target.startswith("https://")}
    assert {target for target in here if not (ROOT / "docs" / target).is_file()} == set()
    assert f"docs/{name}" in targets(README)


def test_every_picture_is_shown_and_small():
    shown = {(ROOT / target).resolve() for target in targets(README)}
    for document in DOCUMENTS.values():
        shown |= {(ROOT / "docs" / target).resolve() for target in targets(document)}
    pictures = set((ROOT / "docs").rglob("*.png"))
    assert {str(path) for path in pictures - shown} == set()
    for path in pictures:
        head = path.read_bytes()[:24]
        width, height = struct.unpack(">II", head[16:])
        assert head.startswith(b"\x89PNG"), path
        assert width > 600, path
        assert height > 400, path
        assert path.stat().st_size < 200_000, path


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_commands_and_settings_exist(name):
    document = DOCUMENTS[name]
    commands = typer.main.get_command(build_app()).commands.keys()  # type: ignore[attr-defined]
    assert set(re.findall(r"(?:^ {4}|`|page )twin ([a-z]+)", document, re.M)) <= commands
    made = set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", document, re.M))
    assert made <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    known = {f"TWIN_{field.upper()}" for field in TwinSettings.model_fields}
    assert set(re.findall(r"TWIN_[A-Z_]+[A-Z]", document)) <= known | {"TWIN_TEST_DOCKER"}


def test_it_names_every_check_with_what_blocks(settings):
    rows = re.findall(r"^\| ?([^|]*) \| `(\w+)`: [^|]+ \| (yes)? ?\|", DAGSTER, re.M)
    named, assets = {}, ""
    for asset, check, blocks in rows:
        assets = asset or assets
        for one in re.findall(r"`(\w+)`", assets):
            named[one, check] = blocks == "yes"
    found = {}
    for definitions in (build_definitions(settings), build_measurements(settings)):
        graph = definitions.resolve_asset_graph()
        for key in graph.asset_check_keys:
            asset = key.asset_key.to_user_string()
            found[asset, key.name] = graph.get_check_spec(key).blocking
    assert named == found


def test_it_names_every_sensor_schedule_and_job(settings):
    repository = build_definitions(settings).get_repository_def()
    names = [sensor.name for sensor in repository.sensor_defs]
    names += [schedule.name for schedule in repository.schedule_defs]
    names += [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assert [name for name in names if f"`{name}`" not in DAGSTER] == []
