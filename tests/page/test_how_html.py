"""How it was found, beside the answer."""

from shown import Page, index, partition

from twin_assets.documents import Author
from twin_serving.page.how import index_html, trace_html
from twin_serving.retrieval import StageTrace


def test_a_stage_shows_its_seconds_as_a_share_of_the_longest() -> None:
    trace = [
        StageTrace("search", 0.25, {"candidates": [{"title": "a"}, {"title": "b"}]}),
        StageTrace("rerank", 1.0, {"method": "late interaction"}),
        StageTrace("generation", 0.0, {"cited": [1, 3]}),
    ]
    page = Page(trace_html(trace))
    assert [bar["style"] for bar in page.all("i")] == ["width:25%", "width:100%", "width:0%"]
    for words in ("250 ms", "1.0 s", "1.2 s", "candidates 2", "method late interaction"):
        assert words in page.text
    assert "cited 1, 3" in page.text


def test_a_skipped_stage_says_so_and_why() -> None:
    page = Page(trace_html([StageTrace("rerank", 0.0, skipped=True, reason="switched off")]))
    assert "skipped" in page.text
    assert "switched off" in page.text
    assert [row["class"] for row in page.all("li")] == ["stage skipped"]


def test_a_trace_of_nothing_is_empty() -> None:
    assert "<li" not in trace_html([])


def test_the_index_links_its_asset_and_run_in_dagster() -> None:
    odd = partition(Author("ada & co", "Ada"), run_id="a/b")
    page = Page(index_html(index(odd), "http://127.0.0.1:3000"))
    assert [link["href"] for link in page.all("a")] == [
        "http://127.0.0.1:3000/assets/faiss_index?view=partitions&partition=ada%20%26%20co",
        "http://127.0.0.1:3000/runs/a%2Fb",
    ]
    for words in ("faiss, 1 author", "v-1", "1 document, 1,200 chunks", "2026-03-01 09:30 UTC"):
        assert words in page.text


def test_many_partitions_stay_closed() -> None:
    few = Page(index_html(index(*[partition()] * 3), "http://x"))
    many = Page(index_html(index(*[partition()] * 4), "http://x"))
    assert ["open" in details for details in few.all("details")] == [True]
    assert ["open" in details for details in many.all("details")] == [False]
    assert "faiss, 4 authors" in many.text


def test_a_thousand_partitions_are_not_all_listed() -> None:
    many = Page(index_html(index(*[partition()] * 1000), "http://x"))
    assert len(list(many.all("li"))) == 51
    assert "and 950 more" in many.text
