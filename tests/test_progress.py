"""How far an author is, from the raw store and a real Dagster instance."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from builders import raw_document
from dagster._daemon.types import DaemonHeartbeat

from twin_assets.documents import Author
from twin_assets.errors import BadInputError
from twin_assets.partitions import range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.catalog import Catalog, open_catalog
from twin_serving.cli.launch import build
from twin_serving.progress import ProgressReader, Stage

SINCE = datetime.now(UTC) - timedelta(minutes=1)
ADA = Author("ada", "Ada")


@pytest.fixture
def catalog(settings: TwinSettings) -> Iterator[Catalog]:
    catalog = open_catalog(settings)
    with catalog.instance as instance:
        register_authors(instance, ["ada", "bob"])
        yield catalog


@pytest.fixture
def reader(settings: TwinSettings, catalog: Catalog) -> ProgressReader:
    add(settings, ADA)
    return ProgressReader(settings, catalog)


@pytest.fixture
def instance(catalog: Catalog) -> dg.DagsterInstance:
    return catalog.instance


def add(settings: TwinSettings, author: Author, *texts: str) -> None:
    with closing(open_raw_store(settings)) as store:
        store.put_author(author)
        store.upsert(
            raw_document(f"https://example.com/{n}", text, author=author.slug)
            for n, text in enumerate(texts)
        )


def add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, *authors: str) -> str:
    run = dg.DagsterRun(
        "end_to_end_data", run_id=str(uuid4()), status=status, tags=range_tags(authors)
    )
    return instance.add_run(run).run_id


def test_without_a_daemon_nothing_comes(reader: ProgressReader) -> None:
    progress = reader.read("ada", SINCE)
    assert (progress.stage, progress.author, progress.done) == (Stage.ASLEEP, ADA, 0)
    assert progress.assets[0] == "raw_documents"
    assert progress.assets[-1] == "faiss_index"
    with pytest.raises(BadInputError, match="no author 'bob'"):
        reader.read("bob", SINCE)


@pytest.mark.parametrize(("age", "stage"), [(0, Stage.WAITING), (600, Stage.ASLEEP)])
def test_a_daemon_shows_that_it_lives(
    reader: ProgressReader, instance: dg.DagsterInstance, age: int, stage: Stage
) -> None:
    beat = DaemonHeartbeat(time.time() - age, "SENSOR", "daemon", [])
    instance.add_daemon_heartbeat(beat)
    assert reader.read("ada", SINCE).stage is stage


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (dg.DagsterRunStatus.NOT_STARTED, Stage.QUEUED),
        (dg.DagsterRunStatus.STARTING, Stage.QUEUED),
        (dg.DagsterRunStatus.STARTED, Stage.BUILDING),
        (dg.DagsterRunStatus.FAILURE, Stage.FAILED),
        (dg.DagsterRunStatus.CANCELED, Stage.FAILED),
        (dg.DagsterRunStatus.SUCCESS, Stage.ASLEEP),
    ],
)
def test_the_newest_run_for_the_author_says_where_it_is(
    reader: ProgressReader,
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    stage: Stage,
) -> None:
    add_run(instance, dg.DagsterRunStatus.STARTED, "ada", "bob")
    run_id = add_run(instance, status, "ada", "bob")
    add_run(instance, dg.DagsterRunStatus.STARTED, "bob", "bob")
    progress = reader.read("ada", SINCE)
    assert progress.stage is stage
    assert progress.run_id == (None if stage is Stage.ASLEEP else run_id)
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert reader.read("ada", later).stage is Stage.ASLEEP


def test_what_was_built_is_ready(sample_home: TwinSettings) -> None:
    catalog = open_catalog(sample_home)
    with catalog.instance:
        progress = ProgressReader(sample_home, catalog).read("mara-lindqvist", SINCE)
    assert (progress.stage, progress.done, progress.run_id) == (Stage.READY, 6, None)


def test_a_failure_says_why_and_which_links_were_bad(
    reader: ProgressReader, settings: TwinSettings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    missing = str(tmp_path / "gone.zip")
    add(settings, Author("ada", "Ada", sources=(missing,)))
    report = build(settings, instance, ["ada"], lambda event: None)
    assert list(report.failed) == ["ada"]
    progress = reader.read("ada", SINCE)
    assert (progress.stage, progress.run_id) == (Stage.FAILED, report.run_ids[-1])
    assert "has no documents in the raw store" in progress.reason
    assert [visit.link for visit in progress.bad_links] == [missing]
