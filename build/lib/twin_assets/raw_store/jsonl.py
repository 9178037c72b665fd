"""Raw documents from a JSONL file: every line validated, bad ones reported, good ones kept."""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from twin_assets.documents import Author, Category, RawDocument, slugify
from twin_assets.errors import BadInputError
from twin_assets.links import canonical_link
from twin_assets.raw_store import RawStore, UpsertCounts

Fields = TypeVar("Fields", bound=BaseModel)
SLUG_BYTES = 200  # files are named after it, and most file systems stop at 255


class _Line(BaseModel):
    """The fields of a line; a line may carry others, which are not stored."""

    model_config = ConfigDict(str_strip_whitespace=False)

    author: str = Field(min_length=1, max_length=200)
    platform: str = Field(min_length=1)
    category: Category
    link: str = Field(min_length=1)
    title: str = ""
    subtitle: str | None = None
    text: str
    language: str | None = None
    published_at: str | None = None
    path: str | None = None

    @field_validator("author")
    @classmethod
    def _has_slug(cls, author: str) -> str:
        slug = slugify(author)
        if not slug:
            raise ValueError("has no letter or digit to make a partition key from")
        if len(slug.encode()) > SLUG_BYTES:
            raise ValueError("is too long to name a file after")
        return author

    @field_validator("link")
    @classmethod
    def _is_web_link(cls, link: str) -> str:
        return canonical_link(link)

    @field_validator("published_at")
    @classmethod
    def _is_date(cls, published_at: str | None) -> str | None:
        if published_at:
            try:
                datetime.fromisoformat(published_at)
            except ValueError:
                raise ValueError("is not an ISO 8601 date, as 2024-05-31 is") from None
        return published_at or None

    @field_validator("title", "subtitle", "text", "language", "path")
    @classmethod
    def _storable(cls, text: str | None) -> str | None:
        return None if text is None else storable(text)


def storable(text: str) -> str:
    """Return the text without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be used."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did; ``authors`` are the slugs that good lines named."""

    counts: UpsertCounts
    authors: tuple[str, ...]
    bad_lines: tuple[BadLine, ...]


def parse_fields(line: bytes, model: type[Fields]) -> Fields:
    """Return the fields of one line, as the model validates them.

    Raises:
        BadInputError: the line is not a JSON object with usable fields; the message names the first
            fault.
    """
    try:
        values = json.loads(line.decode("utf-8-sig").rstrip())
    except UnicodeDecodeError as error:
        raise BadInputError(f"not UTF-8: byte {error.start + 1} cannot be decoded") from None
    except json.JSONDecodeError as error:
        raise BadInputError(f"not JSON: {error.msg} at column {error.colno}") from None
    except ValueError:
        raise BadInputError("not JSON that can be read: a number has too many digits") from None
    except RecursionError:
        raise BadInputError("not JSON that can be read: nested too deeply") from None
    if not isinstance(values, dict):
        raise BadInputError("not a JSON object")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInputError(f"{where}: {reason}") from None


def parse_line(line: bytes) -> tuple[Author, RawDocument]:
    """Return the author and the document of one line; raises as :func:`parse_fields`."""
    fields = parse_fields(line, _Line)
    name = " ".join(unicodedata.normalize("NFC", fields.author).split())
    author = Author(slugify(name), name)
    document = RawDocument(
        author=author.slug,
        platform=fields.platform,
        category=fields.category,
        link=fields.link,
        title=fields.title,
        subtitle=fields.subtitle,
        text=fields.text,
        language=fields.language,
        published_at=fields.published_at,
        path=fields.path,
    )
    return author, document


def import_jsonl(path: Path, store: RawStore, *, sample: bool = False) -> ImportReport:
    """Upsert every good line of the file into the store; memory does not grow with the file.

    Args:
        path: a UTF-8 file with one JSON object a line; empty lines are passed over.
        store: where the documents go. Authors that it does not know are registered.
        sample: whether the authors are registered as invented samples.

    Raises:
        BadInputError: the file does not exist or cannot be read.
        StorageError: the store cannot be written.
    """
    bad: list[BadLine] = []
    known = {author.slug for author in store.authors()}
    seen: set[str] = set()

    def good_documents() -> Iterator[RawDocument]:
        for number, line in filled_lines(path):
            try:
                author, document = parse_line(line)
            except BadInputError as error:
                bad.append(BadLine(number, str(error)))
                continue
            if author.slug not in known:
                store.put_author(Author(author.slug, author.name, author.aliases, sample=sample))
                known.add(author.slug)
            seen.add(author.slug)
            yield document

    counts = store.upsert(good_documents())
    return ImportReport(counts, tuple(sorted(seen)), tuple(bad))


def filled_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the file's lines that are not empty, each with its number from 1.

    Raises:
        BadInputError: the file does not exist or cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from ((number, line) for number, line in enumerate(file, start=1) if line.strip())
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from None
