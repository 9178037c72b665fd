"""`twin audit`: the trail as a table, and as JSON lines."""

import json

import pytest

from twin_assets.settings import load_settings
from twin_serving.audit import AuditEntry, AuditLog, Feedback, open_audit_log


@pytest.fixture
def log(tmp_path) -> AuditLog:
    """The trail of the home where `twin` looks for one."""
    return open_audit_log(load_settings(home=tmp_path / "home", _env_file=None))


def entry(name: str, minute: int, **more) -> AuditEntry:
    return AuditEntry(
        name, f"2099-01-01T10:{minute:02}:00.000+00:00", "cli", f"Why {name}?", **more
    )


def test_the_latest_questions_are_a_table(twin, log):
    log.record(entry("first", 1, author="ada", provider="extractive", chunk_ids=("1",)))
    log.record(entry("second", 2, model="tiny", fault="It is down.\x1b[31m"))
    log.record(entry("third", 3, compliant=False, policy_reason="too long"))
    log.give_feedback("third", Feedback("down"))
    shown = twin("audit")
    assert shown.code == 0
    words = " ".join(shown.out.split())
    assert words.index("Why third") < words.index("Why second") < words.index("Why first")
    for said in (
        "2099-01-01",
        "ada",
        "extractive",
        "1 chunk",
        "tiny",
        "It is down.",
        "thumbs down",
    ):
        assert said in words
    assert "\x1b" not in shown.out
    assert "Why second" not in twin("audit", "--limit", "1").out
    assert "Why third" not in twin("audit", "--author", "Ada").out


def test_twenty_are_shown_and_all_are_exported(twin, log):
    for n in range(25):
        log.record(entry(f"q{n}", n))
    assert twin("audit").out.count("Why") == 20
    lines = twin("audit", "--jsonl").out.splitlines()
    assert len(lines) == 25
    assert json.loads(lines[0])["question"] == "Why q24?"
    assert len(twin("audit", "--jsonl", "--limit", "3").out.splitlines()) == 3


def test_an_empty_trail_says_so(twin, log):
    done = twin("audit")
    assert (done.code, done.out, done.err) == (0, "", "Nothing was asked yet.\n")
