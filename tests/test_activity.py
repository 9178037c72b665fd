"""What is counted of the audit trail."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from twin_serving.activity import Latency, Share, latency_of, read_activity, summarize
from twin_serving.audit import AuditEntry, AuditLog, Fact, Feedback

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)
FACT = Fact("2026-03-02T09:30:00.000+00:00", 1.0, {}, "tgi", None, (), 1, 0, 1, None)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "home" / "audit.db", keep_days=90)


def test_days_without_a_question_are_there_too() -> None:
    activity = summarize([FACT, FACT._replace(seconds=3.0)], MONDAY, TUESDAY)
    assert [(day.day, day.questions) for day in activity.days] == [(MONDAY, 2), (TUESDAY, 0)]
    assert [day.latency for day in activity.days] == [Latency(1.0, 3.0), Latency(None, None)]
    assert (activity.questions, activity.latency) == (2, Latency(1.0, 3.0))
    assert summarize([], MONDAY, MONDAY).latency == Latency(None, None)


def test_percentiles_are_of_nearest_rank() -> None:
    assert latency_of([float(n) for n in range(100, 0, -1)]) == Latency(50.0, 95.0)
    assert latency_of([2.0]) == Latency(2.0, 2.0)


def test_outcomes_and_votes_are_counted() -> None:
    facts = [
        FACT._replace(vote="up"),
        FACT._replace(vote="down", compliant=0),
        FACT._replace(found=0, compliant=None),
        FACT._replace(failed=1, found=0),
        FACT._replace(at="2026-03-03T00:00:00.000+00:00", vote="up", failed=1),
    ]
    activity = summarize(facts, MONDAY, TUESDAY)
    assert (activity.up, activity.down) == (2, 1)
    assert [(day.up, day.down) for day in activity.days] == [(1, 1), (1, 0)]
    assert (activity.unanswered, activity.not_compliant, activity.judged) == (3, 1, 4)


def test_shares_are_by_author_provider_and_stage() -> None:
    facts = [
        FACT._replace(author="ada", authors=("ada", "bob"), stages={"search": 0.1, "rerank": 0.4}),
        FACT._replace(authors=("bob",), provider="extractive", stages={"search": 0.3}),
        FACT._replace(author="cy", provider=None, seconds=5.0),
    ]
    activity = summarize(facts, MONDAY, MONDAY)
    one = Latency(1.0, 1.0)
    assert activity.authors == (
        Share("bob", 2, one),
        Share("ada", 1, one),
        Share("cy", 1, Latency(5.0, 5.0)),
    )
    assert activity.providers == (Share("extractive", 1, one), Share("tgi", 1, one))
    assert activity.stages == (
        Share("search", 2, Latency(0.1, 0.3)),
        Share("rerank", 1, Latency(0.4, 0.4)),
    )


def entry(name: str, days_ago: float) -> AuditEntry:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return AuditEntry(
        name,
        at.isoformat(timespec="milliseconds"),
        "page",
        "Why?",
        author="ada",
        authors=("ada", "bob"),
        stages={"search": 0.25},
        seconds=0.5,
        chunk_ids=("1",),
        provider="tgi",
        compliant=False,
    )


def test_facts_are_those_of_the_rows(log: AuditLog) -> None:
    log.record(entry("a", 0))
    log.record(replace(entry("b", 1), fault="no", chunk_ids=(), compliant=None, provider=None))
    log.give_feedback("a", Feedback("down"))
    first, second = log.facts("2000")
    assert first[1:] == (0.5, {"search": 0.25}, None, "ada", ["ada", "bob"], 0, 1, None, None)
    assert second[1:] == (0.5, {"search": 0.25}, "tgi", "ada", ["ada", "bob"], 1, 0, 0, "down")


def test_only_the_period_counts(log: AuditLog) -> None:
    assert read_activity(log, 7).questions == 0
    for days_ago in (0, 6, 7, 30):
        log.record(entry(str(days_ago), days_ago))
    activity = read_activity(log, 7)
    assert (len(activity.days), activity.questions) == (7, 2)
    assert read_activity(log, 90).questions == 4


def test_an_audit_trail_of_before_is_counted_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    row = {"question": "Why?", "through": "cli", "seconds": 0.5, "stages": {}, "authors": ["ada"]}
    row |= {"chunk_ids": ["1"], "provider": "tgi"}
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE questions (id TEXT PRIMARY KEY, at TEXT NOT NULL, row TEXT NOT NULL, "
            "vote TEXT, comment TEXT, source TEXT) STRICT"
        )
        database.execute("CREATE INDEX questions_at ON questions (at)")
        at = datetime.now(UTC).isoformat()
        values = ("a", at, json.dumps(row), "up", None, None)
        database.execute("INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?)", values)
    log = AuditLog(path, keep_days=90)
    assert [one.question for one in log.entries()] == ["Why?"]
    activity = read_activity(AuditLog(path, keep_days=90), 7)
    assert (activity.questions, activity.up, activity.unanswered) == (1, 1, 0)
