"""The data model: what rests between the assets, frozen and typed.

``RawDocument -> CleanedDocument -> Chunk -> Window``. Offsets are character offsets (Python ``str``
indices), half open. Identifiers are UUIDs made from SHA-256 digests: the same content always gets
the same identifier, and every vector store accepts it as a point id.
"""

import hashlib
import re
import unicodedata
import uuid
from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What kind of writing a document is; it decides how the text is cleaned and chunked."""

    ARTICLE = "article"
    POST = "post"
    REPOSITORY = "repository"


def digest(*parts: str) -> str:
    """Return the SHA-256 hex digest of the parts, each with its length, so no two lists meet."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def identifier(*parts: str) -> str:
    """Return a UUID string made from the first 128 bits of the parts' digest."""
    return str(uuid.UUID(hex=digest(*parts)[:32]))


def slugify(name: str) -> str:
    """Return the partition key for an author's name: ``"Paul Iusztin"`` -> ``"paul-iusztin"``.

    Accents are dropped where Unicode decomposes them; other letters are kept, so that a name in any
    script has a slug. The result holds no comma, slash or white space (a partition key with a comma
    cannot be backfilled from the Dagster UI). A name without a letter or digit gives ``""``.
    """
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "-", plain.casefold()).strip("-")


@dataclass(frozen=True, slots=True)
class Author:
    """A person whose writing is indexed. ``slug`` is the partition key.

    ``sources`` are where it is crawled: links, export archives, folders, tarballs.
    """

    slug: str
    name: str
    aliases: tuple[str, ...] = ()
    sample: bool = False
    sources: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What came of a link when it was crawled."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    GONE = "gone"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Visit:
    """The last time that a link was crawled.

    ``source`` is the author's source that led to the link, which may be the link itself.
    ``documents`` are the links of the documents that it gave, and ``etag`` and ``last_modified``
    what makes the next visit a cheap conditional request. ``detail`` says what is to be said about
    the outcome in one line, and ``visited_at`` is an ISO 8601 time.
    """

    author: str
    link: str
    source: str
    outcome: Outcome
    detail: str
    visited_at: str
    documents: tuple[str, ...] = ()
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One document as it was crawled or imported.

    ``language`` is the natural language (``"en"``) where the source says so, and that of a
    repository's file (``"python"``). ``path`` is such a file's path; its ``link`` carries the
    commit. ``published_at`` is an ISO 8601 date.
    """

    author: str
    platform: str
    category: Category
    link: str
    title: str
    text: str
    subtitle: str | None = None
    language: str | None = None
    published_at: str | None = None
    path: str | None = None

    @property
    def document_id(self) -> str:
        """The identity of the document: its author and link, whatever its text is today."""
        return identifier(self.author, self.link)

    @property
    def content_hash(self) -> str:
        """A digest over every field that a change of would have to reach the index."""
        fields = (self.platform, self.category, self.title, self.subtitle, self.language)
        more = (self.published_at, self.path, self.text)
        return digest(*(value or "" for value in fields + more))


@dataclass(frozen=True, slots=True)
class CleanedDocument:
    """A document with its boilerplate out and its text repaired; Markdown is kept."""

    document_id: str
    author: str
    platform: str
    category: Category
    link: str
    title: str
    text: str
    subtitle: str | None = None
    language: str | None = None
    published_at: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A document that cannot be indexed, and why. It never stops the author's other documents."""

    document_id: str
    link: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A retrievable passage: ``text == document.text[start:end]``; ``title`` is the document's."""

    chunk_id: str
    document_id: str
    author: str
    category: Category
    title: str
    start: int
    end: int
    text: str
    tokens: int

    @staticmethod
    def identify(document_id: str, start: int, end: int, text: str) -> str:
        """Return the chunk's id, made from its document, span and text."""
        return identifier(document_id, str(start), str(end), text)


@dataclass(frozen=True, slots=True)
class Window:
    """What the embedding model reads at once: a span of a chunk, offsets relative to the chunk.

    ``title`` is what is read before the text, ``tokens`` counts both, and ``reading_hash`` is their
    digest: windows with the same one have the same vector.
    """

    window_id: str
    chunk_id: str
    start: int
    end: int
    title: str
    text: str
    tokens: int
    reading_hash: str

    @staticmethod
    def of(
        chunk_id: str, start: int, end: int, text: str, tokens: int, *, title: str = ""
    ) -> "Window":
        """Return the window over ``text``, with the id and hash derived from it."""
        window_id = identifier(chunk_id, str(start), str(end))
        hashed = digest(with_title(title, text))
        return Window(window_id, chunk_id, start, end, title, text, tokens, hashed)

    @property
    def reading(self) -> str:
        """What the embedding model reads: the title, an empty line, the text."""
        return with_title(self.title, self.text)


def with_title(title: str, text: str) -> str:
    """Return the text under its title, as the embedding model reads it."""
    return f"{title}\n\n{text}" if title else text
