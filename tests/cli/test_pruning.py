"""`twin prune`, on a home as Dagster's daemon leaves it."""

import json
import sqlite3
from contextlib import closing

import pytest

from twin_assets.partitions import JOB
from twin_assets.raw_store import open_raw_store
from twin_assets.samples import import_samples
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import run_job

AUTHOR = ["ines-carvalho"]


@pytest.fixture
def home(tmp_path) -> TwinSettings:
    """The home that `twin` looks for, with an author whom three runs took up, all long ago."""
    settings = load_settings(home=tmp_path / "home", _env_file=None)
    with closing(open_raw_store(settings)) as store:
        import_samples(store)
    with open_instance(settings) as instance:
        for _ in range(3):
            assert not run_job(settings, instance, JOB, AUTHOR, lambda event: None).failed
    with closing(sqlite3.connect(settings.dagster_home / "history" / "runs.db")) as connection:
        connection.execute("UPDATE runs SET update_timestamp = '2020-01-01 00:00:00'")
        connection.commit()
    return settings


def files_of(settings: TwinSettings, run_id: str) -> list[str]:
    found = [path for path in settings.dagster_home.rglob("*") if run_id in path.name]
    return [path.name for path in found if path.is_file() or any(path.iterdir())]


def test_old_runs_go_but_for_what_is_served(twin, home):
    said = twin("prune", "--days", "365", "--dry-run")
    assert said.out == (
        "1 run of more than 365 days ago would go, 2 kept, since something rests on them.\n"
    )
    done = json.loads(twin("prune", "--days", "365", "--json").out)
    assert [len(done["removed"]), len(done["needed"])] == [1, 2]
    assert [files_of(home, run_id) for run_id in done["removed"]] == [[]]
    assert all(files_of(home, run_id) for run_id in done["needed"])
    assert twin("prune", "--days", "365").out.startswith("0 runs of more than 365 days ago removed")
    author = json.loads(twin("status", "--json").out)["authors"][0]
    assert (author["slug"], set(author["assets"].values())) == (AUTHOR[0], {"current"})
    assert "[1]" in twin("ask", "Why did Ines Carvalho's larch plank cup?").out


def test_what_is_newer_stays(twin, home):
    assert twin("prune", "--days", "36500").out == "0 runs of more than 36,500 days ago removed.\n"
    assert twin("prune").code == 2  # how old is for the user to say
    assert twin("prune", "--days", "999999999").code == 2
