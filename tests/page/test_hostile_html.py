"""Every text here may come from a crawled page or a model, so none of it is trusted."""

from dataclasses import replace

from builders import cleaned_document
from shown import (
    HOSTILE,
    Page,
    answer,
    assert_harmless,
    citation,
    index,
    partition,
    retrieval,
)

from twin_assets.documents import Author
from twin_serving.answering import Piece, Support, Written
from twin_serving.governance import Verdict
from twin_serving.lineage import Step
from twin_serving.llm import Message
from twin_serving.page.answer import (
    answer_html,
    earlier_html,
    failure_html,
    meant_html,
    partial_answer_html,
    welcome_html,
)
from twin_serving.page.how import index_html, trace_html
from twin_serving.page.html import notice_html, status_html
from twin_serving.page.sources import sources_html
from twin_serving.page.why import why_html
from twin_serving.retrieval import AuthorMatch, StageTrace


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    author = Author("eve", HOSTILE)
    document = replace(
        cleaned_document(HOSTILE, author="eve", link='https://evil.example/"><script>'),
        title=HOSTILE,
        published_at=HOSTILE,
    )
    cited = citation(HOSTILE, (3, 40), document=document)
    searched = index(partition(author, version=HOSTILE, run_id=HOSTILE))
    output = {"candidates": [{"title": HOSTILE}], "faults": [HOSTILE], HOSTILE: HOSTILE}
    candidate = {
        "chunk_id": "chunk",
        "author": HOSTILE,
        "title": HOSTILE,
        "score": 1.0,
        "similarity": 0.5,
        "bm25": 2.0,
    }
    pieces = [Piece(HOSTILE + " [1]", (Support(1, 0, 4),))]
    whole = replace(
        answer([cited], question=HOSTILE),
        trace=(
            StageTrace("expansion", 0.1, {"phrasings": [HOSTILE]}, reason=HOSTILE),
            StageTrace("search", 0.1, {"candidates": [candidate]}),
            StageTrace("rerank", 0.1, {"method": HOSTILE, "candidates": [candidate]}),
        ),
        written=Written(HOSTILE, HOSTILE, (Message("user", HOSTILE),)),
    )
    whole = replace(whole, retrieval=replace(whole.retrieval, index=searched))
    step = Step(HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE)
    for html in (
        answer_html(answer([cited], HOSTILE, HOSTILE), pieces),
        answer_html(answer([cited], question=HOSTILE, verdict=Verdict(False, HOSTILE)), pieces),
        answer_html(answer([cited], fault=HOSTILE), pieces),
        answer_html(answer([], question=HOSTILE), pieces),
        partial_answer_html(replace(retrieval(None), question=HOSTILE), pieces),
        sources_html([cited], searched),
        sources_html([cited], index()),  # its author is not among the partitions
        meant_html(retrieval(AuthorMatch("eve", HOSTILE, HOSTILE))),
        meant_html(retrieval(None, HOSTILE, named=[HOSTILE])),
        trace_html([StageTrace(HOSTILE, 0.1, output, reason=HOSTILE)]),
        index_html(searched, "http://127.0.0.1:3000"),
        welcome_html(searched.partitions, [HOSTILE]),
        earlier_html([(HOSTILE, HOSTILE)]),
        notice_html(HOSTILE),
        why_html(whole, {"eve": [step]}, "http://127.0.0.1:3000"),
        failure_html(HOSTILE),
        status_html(HOSTILE),
    ):
        assert_harmless(html)
        assert "alert(1)" in Page(html).text
