"""A collection as Twin's own: which partition a document is in, and whom questions are asked of."""

import pytest
from beir_files import DOCUMENTS, write_dataset

from twin_assets.documents import Category
from twin_serving.evaluation.beir import read_dataset
from twin_serving.evaluation.corpus import corpus_of
from twin_serving.retrieval.self_query import AuthorNames


def corpus(folder, documents, **more):
    return corpus_of(read_dataset(write_dataset(folder, documents, **more)))


def many(count: int) -> list[dict[str, str]]:
    return [
        *DOCUMENTS,
        *(
            {"_id": f"{at}", "text": f"Words {at}.", "author": f"Author {at}"}
            for at in range(count)
        ),
    ]


def test_no_question_names_the_folder(tmp_path):
    (author,) = corpus(tmp_path / "Rye Bread", DOCUMENTS).authors
    question = "Is Rye Bread good, and what does Bread say of rye bread?"
    names = AuthorNames([author])
    assert names.without(question, author.slug, lambda word: False) == question
    assert names.match(question, lambda word: False).named == ()


@pytest.mark.parametrize("documents", [DOCUMENTS, many(51)])
def test_without_authors_or_with_too_many_all_is_one_partition_named_after_the_folder(
    tmp_path, documents
):
    found = corpus(tmp_path / "Bread & Boats", documents)
    assert [(author.slug, author.name) for author in found.authors] == [
        ("bread-boats", "urn:beir:bread-boats")
    ]
    assert {document.author for document in found.documents.values()} == {"bread-boats"}
    assert {question.author for question in found.questions} == {"bread-boats"}


def test_up_to_fifty_authors_are_a_partition_each_and_nobody_is_presumed(tmp_path):
    found = corpus(tmp_path / "bread", many(50))
    assert len(found.authors) == 51
    assert found.documents["7"].author == "author-7"
    assert found.documents["rye"].author == "bread"  # it has no author
    assert {question.author for question in found.questions} == {None}


def test_one_author_of_everything_is_asked(tmp_path):
    found = corpus(tmp_path, [{**document, "author": "Ada Quill"} for document in DOCUMENTS])
    assert [author.name for author in found.authors] == ["Ada Quill"]
    assert {question.author for question in found.questions} == {"ada-quill"}


def test_names_that_differ_in_accents_and_spaces_only_are_one_author(tmp_path):
    names = ["Inês Carvalho", "ines  carvalho", "INES CARVALHO"]
    rows = [{**row, "author": name} for row, name in zip(DOCUMENTS, names, strict=True)]
    assert [author.slug for author in corpus(tmp_path, rows).authors] == ["ines-carvalho"]


def test_the_grades_name_the_documents_as_the_index_does(tmp_path):
    judgements = [("q1", "rye", 2), ("q1", "gone", 1), ("q2", "mast", 1)]
    found = corpus(tmp_path, DOCUMENTS, judgements=judgements)
    assert found.questions[0].grades == {found.documents["rye"].document_id: 2, "gone": 1}


def test_documents_are_articles_with_links_of_their_own(tmp_path):
    rows = [
        {**row, "_id": name} for row, name in zip(DOCUMENTS, ["a/b", "a b", "a%20b"], strict=True)
    ]
    found = corpus(tmp_path, rows, judgements=[("q1", "a b", 1)])
    assert {document.category for document in found.documents.values()} == {Category.ARTICLE}
    assert len({document.link for document in found.documents.values()}) == 3
    assert len({document.document_id for document in found.documents.values()}) == 3
