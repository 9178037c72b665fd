"""The Add tab's HTML, and what it makes of what a browser sends."""

from pathlib import Path

import pytest
from shown import HOSTILE, Page

from twin_assets.documents import Author, Category, Outcome, Visit
from twin_assets.raw_store import UpsertCounts
from twin_assets.raw_store.jsonl import BadLine, ImportReport
from twin_serving.adding import Added, Checked, CheckedSource, Wanted
from twin_serving.page.add import wanted_from
from twin_serving.page.add_views import render_added, render_checked, render_progress
from twin_serving.progress import Progress, Stage
from twin_serving.uploads import Contents

ADA = Author("ada", "Ada")
ASSETS = ("raw_documents", "cleaned_documents", "chunks", "windows", "embeddings", "faiss_index")
DAGSTER = "http://127.0.0.1:3000"


def checked(*faults: str, **changes: object) -> Checked:
    values = {"author": ADA, "sources": (), "contents": None, "faults": faults} | changes
    return Checked(**values)  # type: ignore[arg-type]


def test_what_would_be_stored_is_listed() -> None:
    contents = Contents(
        "JSONL",
        {Category.POST: 1, Category.ARTICLE: 1200},
        {str(n): f"Author {n}" for n in range(7)},
        30,
        tuple(BadLine(n, "not JSON") for n in range(1, 31)),
        whole=False,
    )
    sources = (CheckedSource("https://ada.example/", "article"),)
    wanted = Wanted("Ada", ("AQ",), upload=Path("/secret/place/documents.jsonl"))
    text = Page(render_checked(checked(sources=sources, contents=contents), wanted)).text
    assert text.startswith("What would be storedAll of it can be used. Nothing is stored yet")
    for words in (
        *("Ada, also AQ", "https://ada.example/ web page, blog or feed", "1,200 articles, 1 post"),
        *("Author 4 and 2 more", "30 lines cannot be used", "line 20: not JSON", "and 10 more"),
        *("documents.jsonl documents as JSON lines", "not looked at to its end"),
    ):
        assert words in text
    assert "line 21" not in text
    assert "secret" not in text


def test_faults_are_told_at_once() -> None:
    page = Page(render_checked(checked("One.", "Two."), Wanted("Ada")))
    assert [one.get("role") for one in page.all("p")][:2] == ["alert", "alert"]
    assert "All of it can be used" not in page.text


def test_what_was_stored_is_counted() -> None:
    report = ImportReport(UpsertCounts(1, 2, 3), ("ada",), 1, (BadLine(4, "text: missing"),))
    text = Page(render_added(Added((ADA,) * 5, report), 3)).text
    assert "1 new, 2 changed, 3 unchanged documents." in text
    assert "1 line cannot be used and is left out" in text
    assert "2 more authors" in text
    assert "the build reads them" in Page(render_added(Added((ADA,), None), 1)).text


@pytest.mark.parametrize(
    ("stage", "done", "run_id", "words", "marks"),
    [
        (Stage.WAITING, 0, None, "Waiting for Dagster", ["ahead"] * 6),
        (Stage.ASLEEP, 0, None, "run twin build", ["ahead"] * 6),
        (Stage.QUEUED, 1, "r1", "in its queue", ["done"] + ["ahead"] * 5),
        (Stage.BUILDING, 4, "r1", "is building", ["done"] * 4 + ["now", "ahead"]),
        (Stage.FAILED, 0, "r1", "The build failed: no words", ["failed"] + ["ahead"] * 5),
        (Stage.READY, 6, None, "Can be asked now", ["done"] * 6),
    ],
)
def test_progress_is_told_in_words_and_marks(
    stage: Stage, done: int, run_id: str | None, words: str, marks: list[str]
) -> None:
    page = Page(render_progress(Progress(ADA, stage, ASSETS, done, run_id, "no words"), DAGSTER))
    assert words in page.text
    assert [one["class"] for one in page.all("li")] == marks
    links = [one["href"] for one in page.all("a")]
    assert links == ([f"{DAGSTER}/runs/r1"] if run_id else [])
    asked = [one["data-author"] for one in page.all("button") if one["data-act"] == "ask"]
    assert asked == (["ada"] if stage is Stage.READY else [])


def test_hostile_words_are_text() -> None:
    author = Author("ada", HOSTILE)
    visit = Visit("ada", HOSTILE, HOSTILE, Outcome.FAILED, HOSTILE, "")
    contents = Contents(HOSTILE, {}, {"a": HOSTILE}, 1, (BadLine(1, HOSTILE),), HOSTILE)
    sources = (CheckedSource(HOSTILE, HOSTILE), CheckedSource(HOSTILE, fault=HOSTILE))
    hostile = checked(HOSTILE, author=author, sources=sources, contents=contents)
    html = render_checked(hostile, Wanted(HOSTILE, (HOSTILE,), upload=Path("x") / "<img> x.zip"))
    html += render_progress(
        Progress(author, Stage.FAILED, ASSETS, 0, HOSTILE, HOSTILE, (visit,)), DAGSTER
    )
    page = Page(html)
    assert not list(page.all("script")) + list(page.all("img"))
    assert all(str(one["href"]).startswith(DAGSTER) for one in page.all("a"))
    assert page.text.count(HOSTILE) >= 12


def test_what_a_browser_sends_is_tidied() -> None:
    file = {"path": "/arriving/x/documents.jsonl", "meta": {"_type": "gradio.FileData"}}
    sent = (" Ada ", " AQ,, A  Q ,AQ", "\nhttps://a.example \n\nhttps://a.example\n", file)
    assert wanted_from(*sent) == Wanted(
        "Ada", ("AQ", "A Q"), ("https://a.example",), Path("/arriving/x/documents.jsonl")
    )
    assert wanted_from(None, None, None, None) == Wanted()
    assert wanted_from("\ud800", {}, [], None) == Wanted("?")
