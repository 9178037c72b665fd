"""The way to an answer as a picture, and where its citations come from."""

from dataclasses import replace

from shown import Page, answer, citation

from twin_serving.answering import Written
from twin_serving.lineage import Step
from twin_serving.llm import Message
from twin_serving.page.why import why_html
from twin_serving.retrieval import StageTrace

LINK = "http://127.0.0.1:3000"


def candidate(name: str, before: int | None = None, **more: object) -> dict[str, object]:
    scores = {"score": 0.5, "similarity": 0.25, "bm25": 3.0}
    ranked = {} if before is None else {"rank_before": before}
    return {"chunk_id": name, "title": f"Title {name}", "author": "ada"} | scores | ranked | more


def explained(*trace: StageTrace, **more: object) -> str:
    whole = replace(answer([citation()]), trace=trace, **more)  # type: ignore[arg-type]
    step = Step("chunks", "run-12345678", 7, "d4t4", "3-abc", "2026-03-01T09:30:12+00:00")
    return why_html(whole, {"ada": [step]}, LINK)


def test_stages_follow_one_another_on_the_time_axis() -> None:
    html = explained(
        StageTrace("search", 0.25), StageTrace("rerank", 0.75), StageTrace("context", 0.0)
    )
    bars = [rect for rect in Page(html).all("rect") if rect["class"] == "bar"]
    first, second, third = ((float(bar["x"] or 0), float(bar["width"] or 0)) for bar in bars)
    assert first[0] + first[1] == second[0]
    assert second[1] == 3 * first[1]
    assert third[0] <= second[0] + second[1]
    assert "3 stages in 1.0 s" in Page(html).text


def test_a_skipped_stage_has_no_bar_and_says_why() -> None:
    page = Page(explained(StageTrace("expansion", 0.0, skipped=True, reason="no model")))
    assert not [rect for rect in page.all("rect") if rect["class"] == "bar"]
    assert "Phrasings: no model" in page.text


def test_the_movement_of_each_candidate_is_drawn_and_told() -> None:
    last = [candidate("b", 2), candidate("chunk", 1), candidate("c", 3)]
    html = explained(
        StageTrace("search", 0.1, {"candidates": [candidate("chunk"), candidate("b")]}),
        StageTrace("rerank", 0.1, {"method": "late interaction", "candidates": last}),
    )
    page = Page(html)
    groups = [one["class"] for one in page.all("g")]
    assert groups == ["left", "cited", "left"]
    assert "Title chunk, ada: 1 to 2" in page.text
    assert "reranked by late interaction" in page.text
    rows = page.text[page.text.index("The same as a table") :]
    assert "21Title chunkada0.2503.000.500cited" in rows.replace("\n", "")
    paths = [path["d"] or "" for path in page.all("path")]
    assert len(paths) == 3
    assert paths[0].split()[1] != paths[0].split()[-1]  # it moved
    assert paths[2].split()[1] == paths[2].split()[-1]


def test_without_a_rerank_the_order_is_the_search_s() -> None:
    html = explained(
        StageTrace("search", 0.1, {"candidates": [candidate("chunk"), candidate("b")]}),
        StageTrace("rerank", 0.0, skipped=True, reason="switched off"),
    )
    assert "not reranked" in Page(html).text
    assert "Title b, ada: 2 to 2" in Page(html).text


def test_more_candidates_than_can_be_drawn_are_counted() -> None:
    many = [candidate(f"c{n}", n) for n in range(1, 101)]
    page = Page(explained(StageTrace("rerank", 0.1, {"method": "x", "candidates": many})))
    assert len(list(page.all("g"))) == 30
    assert "70 more candidates" in page.text
    assert len(list(page.all("tr"))) == 101


def test_the_prompt_is_shown_as_it_was_given() -> None:
    written = Written("tgi", "tiny", (Message("system", "Be <brief>."), Message("user", "Why?")))
    page = Page(explained(written=written))
    assert "Be <brief>." in page.text
    assert "There was none" in Page(explained()).text


def test_a_citation_leads_to_its_partition_and_run_in_dagster() -> None:
    page = Page(explained())
    links = [link["href"] for link in page.all("a")]
    assert f"{LINK}/assets/chunks?view=partitions&partition=ada" in links
    assert f"{LINK}/runs/run-12345678" in links
    way = page.text[page.text.index("come from") :]
    words = ("answer 1", "document ", "chunk chunk", "2026-03-01 09:30 UTC", "run run-1234")
    places = [way.index(word) for word in (*words, "data d4t4 · code 3-abc", "v-1")]
    assert places == sorted(places)


def test_an_answer_that_cites_nothing_has_no_citations_to_explain() -> None:
    html = why_html(answer([]), {}, LINK)
    assert "come from" not in Page(html).text
    assert "The search found nothing" in Page(html).text
