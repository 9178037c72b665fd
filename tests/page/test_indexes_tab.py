"""What the indexes tab shows. Names, links and reasons come from outside; none is trusted."""

from dataclasses import replace
from datetime import datetime

import pytest
from builders import MODEL
from parsed_html import HOSTILE, Parsed, assert_harmless

from twin_assets.assets.staleness import Stale
from twin_assets.documents import Author, Category, Outcome, Visit
from twin_assets.stores.manifest import Manifest
from twin_serving.builds import Phase, Progress, Step
from twin_serving.corpus_map import CorpusMap, Point
from twin_serving.overview import AssetStatus, AuthorStatus, Details, State
from twin_serving.page.build_progress import render_builds
from twin_serving.page.corpus_map import COLOURED, render_map
from twin_serving.page.index_table import (
    PAGE_SIZE,
    Shown,
    choose,
    page_of,
    render_summary,
    render_table,
)

DAGSTER = "http://127.0.0.1:3000"
ADA = Author("ada", "Ada")
AT = "2026-03-01T09:30:12+00:00"
MADE = datetime.fromisoformat(AT).timestamp()
NOTHING = Details(None, {})


def manifest(version: str, author: Author = ADA) -> Manifest:
    return Manifest(version, AT, author, 3, 1200, {}, MODEL, {}, "d", "run-1", (), {})


def status(author: Author = ADA, **changes: object) -> AuthorStatus:
    assets = tuple(
        AssetStatus(name, State.CURRENT, "run-1", MADE, passed)
        for name, passed in (("raw_documents", None), ("chunks", True), ("faiss_index", True))
    )
    row = AuthorStatus(
        author, State.CURRENT, 3, assets, (), None, "v-2", False, (manifest("v-2"), manifest("v-1"))
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def hostile() -> AuthorStatus:
    failed = AssetStatus("raw_documents", State.FAILED, "run-9", MADE, False)
    visits = [
        Visit("eve", link, "x", Outcome.FAILED, HOSTILE, AT)
        for link in (
            "javascript:owned()",
            "data:text/html,<script>",
            f"https://e.example/{HOSTILE}",
        )
    ]
    eve = Author("eve", HOSTILE, sources=(HOSTILE,))
    stale = Stale("raw_documents", HOSTILE)
    return status(eve, state=State.FAILED, assets=(failed,), visits=tuple(visits), stale=stale)


def test_hostile_words_are_shown_and_nothing_else() -> None:
    row = hostile()
    details = Details(HOSTILE, {"v-1": HOSTILE})
    for shown in (Shown(), Shown(opened="eve"), Shown(opened="eve", confirm="v-1")):
        html = render_table([row], 1, shown, DAGSTER, details=details)
        assert_harmless(html)
        assert HOSTILE in Parsed(html).text
    run = Progress("run-1", ("eve",), Phase.FAILED, failed={"eve": HOSTILE}, note=HOSTILE)
    html = render_builds([run], {"eve": HOSTILE}, DAGSTER)
    assert_harmless(html)
    assert HOSTILE in Parsed(html).text
    point = Point("c", HOSTILE, "eve", Category.POST, 0.5, 0.5)
    html = render_map(CorpusMap((point,), 1, ((row.author, 1),), {Category.POST: 1}), (point,))
    assert_harmless(html)
    assert HOSTILE in Parsed(html).text


def test_only_links_that_a_browser_may_follow_are_links() -> None:
    html = render_table([hostile()], 1, Shown(opened="eve"), DAGSTER, details=NOTHING)
    foreign = [a for a in Parsed(html).all("a") if "nofollow" in (a["rel"] or "")]
    assert [(a["href"] or "")[:20] for a in foreign] == ["https://e.example/<s"]


def test_a_row_says_how_its_author_stands_and_why() -> None:
    stale = status(state=State.STALE, stale=Stale("chunks", "its code or settings changed"))
    text = Parsed(render_table([stale], 1, Shown(), DAGSTER)).text
    for words in ("chunks: its code or settings changed", "2026-03-01 09:30 UTC", "1,200"):
        assert words in text
    assert "2 passed" in text
    failed = replace(stale.assets[1], state=State.FAILED, passed=False)
    row = replace(stale, state=State.FAILED, assets=(failed, stale.assets[2]))
    text = Parsed(render_table([row], 1, Shown(), DAGSTER)).text
    assert "chunks failed" in text
    assert "1 of 2 failed" in text


def test_what_a_check_doubts_is_to_be_looked_at_and_no_fault() -> None:
    row = status()
    doubted = replace(row.assets[1], doubts=("chunks_have_length", "<b>"))
    row = replace(row, assets=(row.assets[0], doubted, row.assets[2]))
    page = Parsed(render_table([row], 1, Shown(opened="ada"), DAGSTER, details=NOTHING))
    assert "2 passed, 2 to look at" in page.text
    assert "not so: chunks have length" in page.text
    assert "not so: <b>" in page.text


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (status(), None),
        (status(Author("ada", "Ada", sources=("https://ada.example",))), "Crawl again Ada"),
        (status(state=State.STALE), "Build Ada"),
        (status(state=State.MISSING, serving=None, versions=()), "Build Ada"),
    ],
)
def test_what_can_be_built_has_a_button(row: AuthorStatus, label: str | None) -> None:
    page = Parsed(render_table([row], 1, Shown(), DAGSTER))
    assert len(page.acts("build")) == (label is not None)
    assert (label or "") in page.text
    building = Parsed(render_table([row], 1, Shown(), DAGSTER, building={"ada"}))
    assert not building.acts("build")
    assert "building…" in building.text


def test_an_open_row_leads_to_dagster_and_to_the_versions_that_may_be_served() -> None:
    versions = tuple(manifest(f"v-{n}") for n in (3, 2, 1))
    row = status(versions=versions, serving="v-3")
    details = Details(None, {"v-1": "its check failed"})
    page = Parsed(render_table([row], 1, Shown(opened="ada"), DAGSTER, details=details))
    hrefs = [a["href"] for a in page.all("a")]
    assert f"{DAGSTER}/assets/faiss_index?view=partitions&partition=ada" in hrefs
    assert f"{DAGSTER}/runs/run-1" in hrefs
    assert [b["data-version"] for b in page.acts("confirm")] == ["v-2"]
    assert "may not be served: its check failed" in page.text
    sure = Shown(opened="ada", confirm="v-2")
    page = Parsed(render_table([row], 1, sure, DAGSTER, details=details))
    assert [b["data-version"] for b in page.acts("serve")] == ["v-2"]
    assert not page.acts("confirm")


def test_a_thousand_authors_are_shown_a_page_at_a_time() -> None:
    authors = [Author(f"a-{n:04}", f"Author {n}") for n in range(1000)]
    states = {a.slug: State.STALE if n == 777 else State.CURRENT for n, a in enumerate(authors)}
    assert choose(authors, states, Shown()) == authors
    assert choose(authors, states, Shown(words=" AUTHOR 99")) == [authors[99], *authors[990:]]
    (stale,) = choose(authors, states, Shown(state=State.STALE))
    assert stale.name == "Author 777"
    assert page_of(authors, Shown(page=3)) == authors[3 * PAGE_SIZE : 4 * PAGE_SIZE]
    assert page_of(authors[:60], Shown(page=99)) == authors[50:60]
    rows = [status(author) for author in authors[950:]]
    page = Parsed(render_table(rows, 1000, Shown(page=19), DAGSTER))
    assert "951 to 1,000 of 1,000" in page.text
    back, on = page.acts("page")
    assert ("disabled" in back, "disabled" in on) == (False, True)
    page = Parsed(render_summary(1000, states, Shown(state=State.STALE)))
    assert page.text == "1,000 authors 999 current1 stale"
    assert [b["aria-pressed"] for b in page.acts("only")] == ["false", "true"]
    assert "reading their states" in render_summary(1000, None, Shown())


def test_where_there_is_nothing_it_is_said_what_to_do() -> None:
    assert "twin import FILE.jsonl" in render_table([], 0, Shown(), DAGSTER)
    assert render_summary(0, {}, Shown()) == ""
    page = Parsed(render_table([], 0, Shown(words="nobody"), DAGSTER))
    assert "No author fits the filter." in page.text
    assert page.acts("all")


def test_a_build_is_shown_step_by_step_until_it_is_served() -> None:
    steps = (Step("chunks", Phase.DONE, 1.25), Step("faiss_index", Phase.RUNNING))
    run = Progress("run-1", ("ada",), Phase.RUNNING, steps)
    names = {"ada": "Ada", "bob": "Bob"}
    page = Parsed(render_builds([run], names, DAGSTER))
    assert "Ada: building." in page.text
    assert "chunksdone1.2 s" in page.text
    assert f"{DAGSTER}/runs/run-1" in [a["href"] for a in page.all("a")]
    done = replace(run, phase=Phase.DONE, serves="v-3")
    assert (
        "Ada: built. Version v-3 is served." in Parsed(render_builds([done], names, DAGSTER)).text
    )
    many = replace(done, authors=("ada", "bob"), serves=None)
    assert "Ada and 1 more: built." in Parsed(render_builds([many], names, DAGSTER)).text
    failed = replace(many, phase=Phase.FAILED, failed={"bob": "no documents"})
    assert "Bob: no documents" in Parsed(render_builds([failed], names, DAGSTER)).text
    unsaid = replace(failed, failed={})
    assert "run says why" in Parsed(render_builds([unsaid], names, DAGSTER)).text


def test_the_map_colours_the_largest_authors_and_counts_the_others() -> None:
    authors = tuple((Author(f"a{n}", f"Author {n}"), 100 - n) for n in range(COLOURED + 3))
    points = tuple(
        Point(f"c{n}", f"Title {n}", author.slug, category, n / 20, 0.5)
        for n, (author, _) in enumerate(authors)
        for category in Category
    )
    corpus = CorpusMap(points, 5000, authors, {Category.ARTICLE: 4000, Category.POST: 1000})
    page = Parsed(render_map(corpus, points[:1]))
    assert "33 of 5,000 chunks, evenly chosen, of 11 authors" in page.text
    assert "3 other authors" in page.text
    assert "repositories" not in page.text
    assert "Title 0 – Author 0, article" in page.text
    shapes = [a["class"] or "" for tag in ("circle", "rect", "path") for a in page.all(tag)]
    assert len(shapes) == len(points) + 1
    assert sum(css.startswith("other") for css in shapes) == 9
