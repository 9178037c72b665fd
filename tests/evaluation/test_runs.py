"""Questions asked of a real index: documents in the order of their best passages, none cut."""

from dataclasses import replace

import pytest

from twin_serving.catalog import open_catalog
from twin_serving.evaluation import Question
from twin_serving.evaluation.runs import documents_of, run
from twin_serving.retrieval import Rerank, RetrievalOptions, Search
from twin_serving.twin import Twin

DENSE = RetrievalOptions(k=30, use_llm=False, phrasings=1, search=Search.DENSE, rerank=Rerank.OFF)
QUESTIONS = [
    Question("When does a rye starter peak?", {}, "mara-lindqvist"),
    Question("zzz qqq xxx", {}, "mara-lindqvist"),
]


@pytest.fixture(scope="module")
def retriever(sample_home):
    return Twin(sample_home, open_catalog(sample_home)).retriever


def test_every_candidate_counts_however_unfitting(retriever):
    assert not retriever.retrieve(QUESTIONS[1].text, DENSE).passages
    asked: list[int] = []
    found = run(retriever, QUESTIONS, DENSE, asked.append)
    assert asked == [1, 2]
    assert len(found.seconds) == 2
    assert min(found.seconds) > 0
    for ranking in found.rankings:
        assert 5 < len(ranking) <= DENSE.k
        assert len(set(ranking)) == len(ranking)


def test_a_document_stands_where_its_best_passage_does(retriever):
    candidates = retriever.candidates(QUESTIONS[0].text, DENSE)
    assert len({one.document.document_id for one in candidates}) < len(candidates)
    ranking = documents_of(candidates)
    assert ranking[0] == candidates[0].document.document_id
    firsts = [
        next(at for at, one in enumerate(candidates) if one.document.document_id == document)
        for document in ranking
    ]
    assert firsts == sorted(firsts)


def test_the_candidates_are_those_of_the_passages_before_the_context(retriever):
    options = replace(DENSE, k=9, rerank=Rerank.LATE_INTERACTION)
    passages = retriever.retrieve(QUESTIONS[0].text, options).passages
    candidates = retriever.candidates(QUESTIONS[0].text, options)
    assert len(candidates) == 9
    assert passages[0].candidate.document == candidates[0].document


def test_a_question_is_asked_of_its_author(retriever):
    asked = replace(QUESTIONS[0], author="tomas-okafor")
    (ranking,) = run(retriever, [asked], DENSE).rankings
    (others,) = run(retriever, QUESTIONS[:1], DENSE).rankings
    assert not set(ranking) & set(others)
