import re
import subprocess
import sys
from pathlib import Path

import pytest

from twin_assets.errors import BadInputError
from twin_assets.settings import TwinSettings, env_example, load_settings

REPOSITORY = Path(__file__).parents[1]


def test_env_example_is_up_to_date() -> None:
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert text == env_example(), "run: python -m twin_assets.settings > .env.example"


def test_env_example_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(re.sub(r"^# (?=TWIN_)", "", env_example(), flags=re.MULTILINE))
    assert load_settings(_env_file=env) == load_settings(_env_file=None)


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in TwinSettings.model_fields.values())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TWIN_PAGE_PORT", "65536"),
        ("TWIN_KEEP_VERSIONS", "0"),
        ("TWIN_ARTICLE_CHUNK_CHARACTERS", "many"),
        ("TWIN_EMBEDDING_PRECISION", "int8"),
        ("TWIN_POST_CHUNK_OVERLAP", "250"),
        ("TWIN_REPOSITORY_CHUNK_OVERLAP", "1500"),
        ("TWIN_MINIMUM_SCORE", "1.5"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_line_that_names_the_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInputError, match=rf"^{variable} cannot be used: .+\.$"):
        load_settings(_env_file=None)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TwinSettings.model_fields:
        monkeypatch.setenv(f"TWIN_{name.upper()}", "")
    empty = load_settings(_env_file=None)
    monkeypatch.undo()
    assert empty == load_settings(_env_file=None)


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),  # noqa: S104
        ("::", "http://127.0.0.1:7860"),
        ("::1", "http://[::1]:7860"),
        ("twin.example", "http://twin.example:7860"),
    ],
)
def test_links_lead_to_where_this_machine_reaches_it(host: str, link: str) -> None:
    settings = load_settings(host=host, dagster_port=7860, _env_file=None)
    assert settings.page_link == settings.dagster_link == link


def test_environment_wins_over_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = tmp_path / ".env"
    env.write_text("TWIN_PAGE_PORT=1111\nTWIN_DAGSTER_PORT=2222\nOTHER=1\n")
    monkeypatch.setenv("TWIN_PAGE_PORT", "3333")
    settings = load_settings(_env_file=env)
    assert (settings.page_port, settings.dagster_port) == (3333, 2222)


def test_everything_stands_below_an_absolute_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(home="data", _env_file=None)
    assert settings.root == tmp_path / "data"
    places = (
        settings.dagster_home,
        settings.raw_store_path,
        settings.artifacts_path,
        settings.indexes_path,
    )
    assert len(set(places)) == 4
    assert all(place.parent == settings.root for place in places)


def test_dagster_link_follows_host_and_port_unless_an_address_is_given() -> None:
    assert load_settings(dagster_port=3001, _env_file=None).dagster_link == "http://127.0.0.1:3001"
    given = load_settings(dagster_url="https://dagster.example.com/", _env_file=None)
    assert given.dagster_link == given.dagster_api == "https://dagster.example.com"
    inside = given.model_copy(update={"dagster_api_url": "http://webserver:3000/"})
    assert inside.dagster_link == "https://dagster.example.com"
    assert inside.dagster_api == "http://webserver:3000"


@pytest.mark.parametrize(
    "module", ["settings", "chunking", "windows", "model_folder", "gate", "definitions"]
)
def test_importing_reads_no_model_library(module: str, tmp_path: Path) -> None:
    """`twin --help`, `twin status` and the Dagster definitions must come up quickly."""
    code = (
        f"import sys, twin_assets.{module}\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == "[]"
