"""A test collection as authors, raw documents and questions, ready for the chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from twin_assets.documents import Author, Category, RawDocument, slugify
from twin_serving.evaluation import Question
from twin_serving.evaluation.beir import Dataset

LINKS = "urn:beir:"  # what the documents' links begin with
_MOST_AUTHORS = 50


@dataclass(frozen=True, slots=True)
class Corpus:
    """The collection's authors, its documents by their ids in it, and its questions."""

    authors: tuple[Author, ...]
    documents: Mapping[str, RawDocument]
    questions: tuple[Question, ...]


def corpus_of(dataset: Dataset) -> Corpus:
    """Return the collection as Twin keeps documents: articles, a partition an author.

    A collection with more than 50 authors, or without any, is put into one partition that is named
    after its folder: the judgements are over the whole of it, and Dagster's partitions are for
    authors that are built and served one by one. The questions are then asked of that author, so
    that no name that stands in one by chance filters anything. With 2 to 50 authors each is a
    partition, documents without one are in the folder's, and the self-query reads the questions as
    it reads any.
    """
    slug = slugify(dataset.name) or "corpus"
    folder = Author(slug, LINKS + slug)  # no question names it, whatever the folder is called
    known = {doc.author: _author(doc.author) for doc in dataset.documents if doc.author}
    if len({author.slug for author in known.values() if author}) > _MOST_AUTHORS:
        known = {}
    owners: dict[str, Author] = {}
    documents: dict[str, RawDocument] = {}
    for document in dataset.documents:
        author = known.get(document.author or "") or folder
        owners.setdefault(author.slug, author)
        documents[document.id] = RawDocument(
            author=author.slug,
            platform="beir",
            category=Category.ARTICLE,
            link=LINKS + quote(document.id, safe=""),
            title=document.title,
            text=document.text,
        )
    only = next(iter(owners)) if len(owners) == 1 else None
    questions = tuple(
        Question(query.text, _by_document(query.grades, documents), only)
        for query in dataset.queries
    )
    return Corpus(tuple(owners.values()), documents, questions)


def _author(name: str) -> Author | None:
    slug = slugify(name)
    return Author(slug, name) if slug else None


def _by_document(grades: Mapping[str, int], documents: Mapping[str, RawDocument]) -> dict[str, int]:
    """Return the grades by Twin's ids; a document that is not there keeps the one it has."""
    return {
        documents[one].document_id if one in documents else one: grade
        for one, grade in grades.items()
    }
