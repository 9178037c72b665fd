"""`twin build` beside runs that Dagster's daemon started for the same authors."""

import time

import dagster as dg
import pytest
from builders import raw_document
from dagster._daemon.types import DaemonHeartbeat

from twin_assets.documents import Author
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.cli import waiting
from twin_serving.cli.launch import build, run_job
from twin_serving.daemon import QUEUE

AUTHORS = ["ada", "bob"]


@pytest.fixture
def at_work(settings: TwinSettings, instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run of Dagster's that has Ada in hand; Bob is in one that waits in the queue."""
    store = open_raw_store(settings)
    for author in AUTHORS:
        store.put_author(Author(author, author.title()))
        text = f"The words of {author} about bread and ovens. " * 3
        store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    store.close()
    register_authors(instance, AUTHORS)
    run = dg.DagsterRun(JOB, status=dg.DagsterRunStatus.STARTED, tags=range_tags(["ada"]))
    instance.add_run(run)
    waits = dg.DagsterRun(JOB, status=dg.DagsterRunStatus.NOT_STARTED, tags=range_tags(["bob"]))
    instance.add_run(waits)
    return run


@pytest.fixture
def said(
    instance: dg.DagsterInstance, at_work: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """What is said; the run ends once something is."""
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        instance.report_run_canceled(at_work)

    monkeypatch.setattr(waiting, "say", say)
    monkeypatch.setattr(waiting, "_PAUSE", 0.0)
    return lines


def live(instance: dg.DagsterInstance) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), QUEUE, "daemon", []))


def test_it_waits_for_the_run_and_says_so(
    settings: TwinSettings, instance: dg.DagsterInstance, said: list[str]
) -> None:
    live(instance)
    assert build(settings, instance, [], lambda event: None).built == AUTHORS
    assert said == ["Dagster is at work on ada: waiting for that run to end."]


def test_so_does_a_job(
    settings: TwinSettings, instance: dg.DagsterInstance, said: list[str]
) -> None:
    live(instance)
    assert run_job(settings, instance, JOB, ["Ada"], lambda event: None).built == ["ada"]
    assert len(said) == 1


def test_others_are_no_reason_to_wait(
    settings: TwinSettings, instance: dg.DagsterInstance, said: list[str]
) -> None:
    live(instance)
    assert build(settings, instance, ["Bob"], lambda event: None).built == ["bob"]
    assert said == []


def test_what_a_daemon_left_that_is_gone_is_not_waited_for(
    settings: TwinSettings, instance: dg.DagsterInstance, said: list[str]
) -> None:
    assert build(settings, instance, [], lambda event: None).built == AUTHORS
    assert said == []
