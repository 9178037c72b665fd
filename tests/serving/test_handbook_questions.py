"""The questions that the platform was built to answer, on two real authors' articles."""

import pytest

from twin_assets.stores import create_store
from twin_serving.evaluation.known_items import known_items
from twin_serving.evaluation.quality import DENSE, RECALL, measure_quality
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

pytestmark = pytest.mark.handbook


@pytest.fixture(scope="module")
def twin(handbook_home) -> Twin:
    return Twin(handbook_home)


@pytest.mark.parametrize(
    ("question", "author", "title"),
    [
        (
            "How does Paul Iusztin build a real-time retrieval system for RAG on social media "
            "data?",
            "paul-iusztin",
            "A Real-time Retrieval System for RAG on Social Media Data",
        ),
        (
            "What does Maxime Labonne say about merging models with mergekit?",
            "maxime-labonne",
            "Merge Large Language Models with mergekit",
        ),
        ("how do iusztins pipelines stream with bytewax", "paul-iusztin", "streaming"),
    ],
)
def test_the_author_meant_and_the_article_come_first(twin, question, author, title):
    answer = twin.ask(question, RetrievalOptions())
    assert answer.retrieval.author is not None
    assert answer.retrieval.author.slug == author
    first = answer.citations[0].passage.candidate.document
    assert first.author == author
    assert title.casefold() in first.title.casefold()
    assert {c.passage.candidate.document.author for c in answer.citations} == {author}


def test_without_a_name_nobody_is_filtered(twin):
    answer = twin.ask(
        "How can I quantize a Llama model with GGML and llama.cpp?", RetrievalOptions()
    )
    assert answer.retrieval.author is None
    assert len(answer.retrieval.index.partitions) == 2
    first = answer.citations[0].passage.candidate.document
    assert first.title == "Quantize Llama models with GGML and llama.cpp"


@pytest.mark.parametrize(
    "question",
    ["Who won the chess olympiad in Budapest?", "What grows best on a north-facing balcony?"],
)
def test_a_question_about_nothing_in_the_corpus_is_not_answered(twin, question):
    answer = twin.ask(question, RetrievalOptions())
    assert answer.text.startswith("Nothing fitting was found")
    assert answer.citations == ()


def test_headings_and_titles_lead_to_their_article(twin):
    """What a user gets finds 0.9 of them, and more than vectors alone: see bench/known_items.py."""
    store = create_store("faiss", twin.settings)
    versions = {p.author.slug: p.version for p in twin.catalog.served().partitions}
    documents = [one for key in versions.items() for one in store.read(*key).documents]
    some = known_items(documents)[::3]
    quality = measure_quality(twin.retriever, some, versions)
    assert quality.questions == len(some) == 34
    assert quality.figures[RECALL].mean >= 0.9
    assert quality.figures[RECALL].mean > quality.figures[RECALL + DENSE].mean
