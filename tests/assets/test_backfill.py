"""More authors than one run takes: few runs, no author stopped by another, none lost by a kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from daemons import Daemons, daemons
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from twin_assets.assets import chain
from twin_assets.assets.provenance import latest_by_author, materializations
from twin_assets.checks import CHECKS
from twin_assets.documents import Author
from twin_assets.partitions import RANGE_END, RANGE_START, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store
from twin_serving.cli.launch import build, end_abandoned_runs
from twin_serving.overview import Overview, State

# Dagster's daemons use what Dagster itself deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*removed in 2.0:DeprecationWarning")

ASSETS = [asset.key for asset in chain(["faiss"])]
NAMES = [f"author-{number:02}" for number in range(8)]
FAILING = NAMES[1]


@pytest.fixture
def settings(settings: TwinSettings, tiny: str) -> TwinSettings:
    """An empty home with a small model, and runs of three authors at most."""
    return settings.model_copy(update={"embedding_model": tiny, "authors_per_run": 3})


@pytest.fixture
def written(write, settings: TwinSettings) -> None:
    """Eight authors, one of whom has nothing that can be indexed."""
    for name in NAMES:
        text = "  " if name == FAILING else f"the words of {name} about bread and ovens."
        write(name, {"text": text})


@pytest.fixture
def running(
    settings: TwinSettings, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[Daemons]:
    with daemons(settings, instance, tmp_path) as made:
        yield made


class Verdicts:
    """What the checks of the chain said."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        keys = [key for check in CHECKS for key in check.check_keys if key.asset_key in ASSETS]
        self._infos = instance.event_log_storage.get_asset_check_partition_info(keys)

    def of(self, check: str) -> list[str]:
        """Return the authors to whom the check gave a verdict."""
        given = AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED
        return sorted(
            info.partition_key
            for info in self._infos
            if info.partition_key is not None  # which tells of the run as a whole
            and info.check_key.name == check
            and info.latest_execution_status in given
        )


def range_of(run: dg.DagsterRun) -> tuple[str, str]:
    return run.tags[RANGE_START], run.tags[RANGE_END]


@pytest.mark.postgres_too
def test_a_build_takes_few_runs_and_one_author_s_failure_is_his_own(
    written, build_now, instance, settings
):
    report = build_now()
    others = [name for name in NAMES if name != FAILING]
    assert (report.built, list(report.failed)) == (others, [FAILING])
    assert len(report.run_ids) == 5  # three, and those who shared a run with him in one each
    for key in ASSETS[2:]:
        assert sorted(latest_by_author(instance, key.to_user_string())) == others
    assert create_store("faiss", settings).authors() == others
    verdicts = Verdicts(instance)
    for check in ("documents_differ", "chunks_cover_text"):
        assert verdicts.of(check) == others
    key = dg.AssetKey("cleaned_documents")
    attempts = instance.event_log_storage
    missed = attempts.get_latest_asset_partition_materialization_attempts_without_materializations
    assert missed(key).keys() == {FAILING}  # what the UI shows as failed


def test_whoever_is_current_when_another_s_raw_documents_fail_is_not_left_as_failed(
    write, build_now, instance, settings
):
    for name in NAMES[:2]:
        write(name, {"text": f"the words of {name} about bread and ovens."})
    assert build_now().built == NAMES[:2]
    with closing(open_raw_store(settings)) as store:
        for name in NAMES[:3]:  # new names are a new revision, and no other content
            store.put_author(Author(name, f"{name} by another name"))
    report = build_now()
    assert (report.built, list(report.failed)) == (NAMES[:2], [NAMES[2]])
    states = Overview(settings, instance, create_store("faiss", settings)).states()
    assert [states[name] for name in NAMES[:3]] == [State.CURRENT, State.CURRENT, State.FAILED]


@pytest.mark.postgres_too
def test_a_backfill_from_the_ui_takes_runs_of_bounded_size(written, running, instance):
    register_authors(instance, NAMES)
    good = [name for name in NAMES if name != FAILING]
    running.request_backfill(good, ASSETS)
    running.iterate_backfills()
    runs = running.queued()
    ranges = [(NAMES[0], NAMES[0]), (NAMES[2], NAMES[4]), (NAMES[5], NAMES[7])]
    assert sorted(map(range_of, runs)) == ranges
    assert all(run.asset_selection == set(ASSETS) for run in runs)
    for run in runs:
        assert running.execute(run)
    running.iterate_backfills()
    assert running.queued() == []
    (backfill,) = instance.get_backfills()
    assert backfill.status.value == "COMPLETED_SUCCESS"


@pytest.mark.postgres_too
def test_the_sensor_s_runs_are_queued_and_do_everything(written, running, instance, settings):
    running.iterate_sensors()
    requested = running.queued()
    assert len(requested) == 3
    assert [running.execute(run) for run in requested].count(False) == 1
    assert instance.get_dynamic_partitions("author") == NAMES
    served = create_store("faiss", settings).authors()
    assert len(served) == len(NAMES) - 3  # those who shared a run with him follow


KILL = """
import os, signal, sys
from twin_assets.stores.faiss import FaissStore
serve, served = FaissStore.serve, []
def serve_some(*arguments):
    served.append(arguments)
    if len(served) > 4:
        os.kill(os.getpid(), signal.SIGKILL)
    serve(*arguments)
FaissStore.serve = serve_some
sys.argv = ["twin", "build"]
from twin_serving.cli.__main__ import main
main()
"""


def test_a_build_that_is_killed_goes_on_where_it_was(write, settings, instance):
    for name in NAMES:
        write(name, {"text": f"the words of {name} about bread and ovens."})
    environment = {
        "TWIN_HOME": str(settings.root),
        "TWIN_EMBEDDING_MODEL": settings.embedding_model,
        "TWIN_AUTHORS_PER_RUN": str(settings.authors_per_run),
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILL],
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    store = create_store("faiss", settings)
    assert len(store.authors()) == 4
    assert end_abandoned_runs(instance, all_launchers=False) == 1
    report = build(settings, instance, [], lambda event: None)
    assert (report.current, report.built) == (NAMES[:4], NAMES[4:])
    assert store.authors() == NAMES
    texts = sum(len(store.read(a, store.serving(a)).windows) for a in NAMES[6:])
    assert report.windows_embedded == texts  # of the third run, which did not begin
    for name in NAMES:  # nothing was made twice
        assert len(materializations(instance, "chunks", name, limit=9)) == 1
