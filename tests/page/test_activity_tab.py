"""The Activity tab's HTML: numbers, charts, tables; what was typed is text."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from shown import HOSTILE, Page

from twin_assets.settings import TwinSettings
from twin_serving.audit import AuditEntry, Feedback
from twin_serving.page.activity import activity_html, render_latest
from twin_serving.twin import Twin

ENTRY = AuditEntry(
    "a",
    "2026-03-02T09:30:00.000+00:00",
    "page",
    "Why does rye taste sour?",
    author="ada",
    stages={"search": 0.02, "self_query": 0.0001},
    seconds=0.25,
    chunk_ids=("1", "2"),
    provider="extractive",
    compliant=True,
)


@pytest.fixture
def twin(settings: TwinSettings) -> Twin:
    return Twin(settings)


def row_of(entry: AuditEntry) -> str:
    return Page(render_latest([entry], {"ada": "Ada"})).text


def test_before_anything_was_asked_it_says_what_to_do(twin: Twin) -> None:
    assert "Nothing was asked in the last 30 days. Ask something" in activity_html(twin, 30)


def test_where_nothing_is_kept_it_says_so(settings: TwinSettings) -> None:
    twin = Twin(settings.model_copy(update={"audit": False}))
    assert "TWIN_AUDIT=false" in activity_html(twin, 30)


def test_what_was_asked_is_counted_and_listed(twin: Twin) -> None:
    assert twin.audit is not None
    now = datetime.now(UTC)
    for number, days_ago in enumerate((0, 0, 1, 10)):
        at = (now - timedelta(days=days_ago)).isoformat(timespec="milliseconds")
        twin.audit.record(replace(ENTRY, id=str(number), at=at, compliant=number > 0))
    twin.audit.give_feedback("0", Feedback("up"))
    page = Page(activity_html(twin, 7))
    text = " ".join(page.text.split())
    assert text.startswith(
        "questions3median time250 ms95 % within250 msno answer0 %not compliant33 %"
        "thumbs up1thumbs down0"
    )
    assert "3 questions over 7 days (UTC)" in text
    assert "self query" in text
    assert "<1 ms" in text
    assert len(list(page.all("svg"))) == 3
    assert text.count("Why does rye taste sour?") == 4
    assert "twin audit --jsonl" in text


def test_a_row_says_what_became_of_the_question() -> None:
    assert "2026-03-02 09:30 UTC" in row_of(ENTRY)
    for entry, words in (
        (ENTRY, "Adaextractive250 ms2 chunks"),
        (replace(ENTRY, author="gone-away"), "gone-away"),
        (replace(ENTRY, author=None), "any"),
        (replace(ENTRY, model="tiny"), "tiny"),
        (replace(ENTRY, provider=None, fault="Nobody answers."), "nobody250 msNobody answers."),
        (replace(ENTRY, chunk_ids=()), "nothing fitting"),
        (replace(ENTRY, compliant=False, policy_reason="too long"), "not compliant: too long"),
        (replace(ENTRY, feedback=Feedback("down", "wrong")), "2 chunksdown"),
        (replace(ENTRY, question="why " * 200), "why …"),
    ):
        assert words in row_of(entry)


def test_hostile_words_are_text() -> None:
    entry = replace(ENTRY, question=HOSTILE, author=HOSTILE, model=HOSTILE)
    for one in (
        replace(entry, fault=HOSTILE),
        replace(entry, compliant=False, policy_reason=HOSTILE),
    ):
        page = Page(render_latest([one], {}))
        assert not list(page.all("script")) + list(page.all("img")) + list(page.all("a"))
        assert page.text.count(HOSTILE) == 4
