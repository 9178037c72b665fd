"""Test collections in the file layout of BEIR (Thakur and others, 2021).

``corpus.jsonl`` holds the documents, ``queries.jsonl`` the questions, and ``qrels.tsv`` (or
``qrels/test.tsv``) the judgements: three columns under a heading, separated by tabs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twin_assets.documents import slugify
from twin_assets.errors import BadInputError
from twin_assets.raw_store.jsonl import SLUG_BYTES, filled_lines, parse_fields, storable

_HEADING = ("query-id", "corpus-id", "score")
_QRELS = (Path("qrels.tsv"), Path("qrels", "test.tsv"))

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document of the collection; ``author`` is a name."""

    id: str
    title: str
    text: str
    author: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """A question of the collection; ``grades`` maps the ids of judged documents to grades."""

    id: str
    text: str
    grades: dict[str, int]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A whole collection.

    ``queries`` are those with a relevant document; ``unjudged`` is how many others there are.
    ``missing`` is how many judgements name a document that the corpus lacks: such a document cannot
    be found, and counts against the recall.
    """

    name: str
    documents: tuple[CorpusDocument, ...]
    queries: tuple[Query, ...]
    unjudged: int
    missing: int


class _Line(BaseModel):
    """What the lines of both files have; others of their fields are passed over."""

    model_config = ConfigDict(strict=True)

    id: str = Field(alias="_id", min_length=1)
    text: str

    @field_validator("*")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        return None if value is None else storable(value)


class _DocumentLine(_Line):
    title: str = ""
    author: str | None = Field(None, max_length=200)

    @field_validator("author")
    @classmethod
    def _names_a_file(cls, author: str | None) -> str | None:
        if len(slugify(author or "").encode()) > SLUG_BYTES:
            raise ValueError("is too long to name a file after")
        return author


class _QueryLine(_Line):
    @field_validator("text")
    @classmethod
    def _asks(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("is empty")
        return text


def read_dataset(folder: Path) -> Dataset:
    """Return the collection in the folder.

    Raises:
        BadInputError: a file is missing, or a line of one cannot be used; the message names the
            file and the line.
    """
    documents = _read(folder / "corpus.jsonl", _document)
    texts = _read(folder / "queries.jsonl", _query)
    qrels = next((path for name in _QRELS if (path := folder / name).is_file()), None)
    if qrels is None:
        raise BadInputError(f"{folder} has neither qrels.tsv nor qrels/test.tsv with judgements.")
    grades: dict[str, dict[str, int]] = {query: {} for query in texts}
    missing = 0
    for place, query, document, grade in _judgements(qrels):
        if query not in grades:
            raise BadInputError(f"{place}: there is no question {query!r} in queries.jsonl.")
        if document in grades[query]:
            raise BadInputError(f"{place}: {document!r} is judged twice for question {query!r}.")
        grades[query][document] = grade
        missing += document not in documents
    queries = tuple(
        Query(query, text, grades[query])
        for query, text in texts.items()
        if any(grade > 0 for grade in grades[query].values())
    )
    if not queries:
        raise BadInputError(f"{qrels} judges no document as relevant (score 1 or more).")
    name = folder.resolve().name
    return Dataset(name, tuple(documents.values()), queries, len(texts) - len(queries), missing)


def _document(line: bytes) -> tuple[str, CorpusDocument]:
    fields = parse_fields(line, _DocumentLine)
    author = " ".join((fields.author or "").split())
    named = author if slugify(author) else None
    return fields.id, CorpusDocument(fields.id, fields.title, fields.text, named)


def _query(line: bytes) -> tuple[str, str]:
    fields = parse_fields(line, _QueryLine)
    return fields.id, fields.text


def _read(path: Path, parse: Callable[[bytes], tuple[str, Parsed]]) -> dict[str, Parsed]:
    """Return what the file's lines hold, by id and in their order."""
    found: dict[str, Parsed] = {}
    for number, line in filled_lines(path):
        try:
            key, value = parse(line)
        except BadInputError as error:
            raise BadInputError(f"{path} line {number}: {error}.") from None
        if key in found:
            raise BadInputError(f"{path} line {number}: _id {key!r} stands there twice.")
        found[key] = value
    if not found:
        raise BadInputError(f"{path} is empty.")
    return found


def _judgements(path: Path) -> Iterator[tuple[str, str, str, int]]:
    """Yield the file and line as words, the question's id, the document's id, and the grade."""
    for number, line in filled_lines(path):
        place = f"{path} line {number}"
        try:
            fields = tuple(line.decode("utf-8-sig").strip("\r\n").split("\t"))
        except UnicodeDecodeError as error:
            reason = f"not UTF-8: byte {error.start + 1} cannot be decoded"
            raise BadInputError(f"{place}: {reason}.") from None
        if number == 1 and fields == _HEADING:
            continue
        if len(fields) != len(_HEADING):
            wanted = ", ".join(_HEADING)
            raise BadInputError(
                f"{place}: has {len(fields)} columns, not {wanted} with tabs between."
            )
        query, document, score = fields
        try:
            grade = int(score)
        except ValueError:
            raise BadInputError(f"{place}: the score {score!r} is no whole number.") from None
        yield place, query, document, grade
