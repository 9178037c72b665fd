"""Where an index partition is published and searched. A partition is one author's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category, Chunk, CleanedDocument, Window
from twin_assets.errors import BadInputError
from twin_assets.settings import TwinSettings
from twin_assets.stores.manifest import Manifest, Model, Upstream
from twin_assets.stores.versions import WhyNot

if TYPE_CHECKING:
    from twin_assets.stores.bm25 import Bm25Index, WordMatch

BACKENDS = ("faiss", "qdrant", "chroma")
COLLECTIONS = {
    Category.ARTICLE: "article_chunks_embedded",
    Category.POST: "post_chunks_embedded",
    Category.REPOSITORY: "repository_chunks_embedded",
}


@dataclass(frozen=True, slots=True)
class IndexPartition:
    """Everything an index version of one author is made of.

    ``vectors`` has one row a window: float32 (windows, dimension), normalized.
    """

    author: Author
    documents: Sequence[CleanedDocument]
    chunks: Sequence[Chunk]
    windows: Sequence[Window]
    vectors: Vectors
    model: Model
    chunking: Mapping[str, int]
    data_version: str
    run_id: str
    upstream: Sequence[Upstream]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found: ``score`` is its best window's cosine to the question."""

    chunk: Chunk
    score: float
    window_start: int
    window_end: int


class Snapshot(Protocol):
    """One complete, unchanging version of every served author's partition, opened for search.

    ``faults`` say in one line each what makes searches slower or poorer than they might be.
    ``bm25`` finds chunks by their words, where :meth:`search` finds them by their vectors.
    """

    faults: tuple[str, ...]
    bm25: "Bm25Index"

    def search(
        self, vectors: Vectors, category: Category, k: int, author: str | None = None
    ) -> list[list[Hit]]:
        """Return for each vector the ``k`` best chunks of the category, best first.

        Args:
            vectors: normalized, float32 (questions, dimension).
            category: the collection that is searched.
            k: chunks a question, at most.
            author: searches this author's rows and no others, exactly.
        """
        ...

    def compare(
        self, vectors: Vectors, category: Category, matches: "Sequence[WordMatch]"
    ) -> list[list[Hit]]:
        """Return for each vector the chunks that BM25 matched, in their order, with their cosines.

        Args:
            vectors: normalized, float32 (questions, dimension).
            category: the category of all of the chunks.
            matches: chunks of the opened versions.
        """
        ...

    def centres(
        self, category: Category, matches: "Sequence[WordMatch]"
    ) -> list[tuple[Chunk, Vectors]]:
        """Return the chunks in their order, each with the mean of its windows' vectors.

        Args:
            category: the category of all of the chunks.
            matches: chunks of the opened versions.
        """
        ...

    def document(self, chunk: Chunk) -> CleanedDocument | None:
        """Return the cleaned document that the chunk came from."""
        ...


class VectorStore(Protocol):
    """An index backend. Publishing a version and serving it are two steps."""

    name: ClassVar[str]

    def describe(self) -> str:
        """Return what keeps the rows, its version and where it is, having asked it.

        Raises:
            StorageError: it cannot be asked; the message says what to do.
        """
        ...

    def publish(self, partition: IndexPartition) -> Manifest:
        """Write a new version of the author's partition, whole or not at all. It is not served yet.

        Raises:
            StorageError: it cannot be written; every version before is as it was.
        """
        ...

    def authors(self) -> list[str]:
        """Return the authors that a version is served for, ordered by slug."""
        ...

    def versions(self, author: str) -> list[Manifest]:
        """Return the author's published versions, newest first."""
        ...

    def serving(self, author: str) -> str | None:
        """Return the version that the serving pointer names."""
        ...

    def stamp(self) -> str:
        """Return words that are others once any serving pointer has moved; cheap to ask for."""
        ...

    def served_at(self, author: str, when: datetime) -> str | None:
        """Return the version that was served at that time, as far as it is still kept."""
        ...

    def pinned_over(self, author: str) -> str | None:
        """Return the version that a rollback went back from; builds leave that one unserved."""
        ...

    def serve(self, author: str, version: str) -> None:
        """Move the serving pointer, in one step; nothing is pinned any more.

        Raises:
            BadInputError: the author has no such version.
        """
        ...

    def roll_back(
        self, author: str, version: str | None = None, why_not: WhyNot = lambda _: None
    ) -> str:
        """Serve an earlier version, and return it; a build of the newest does not undo that.

        Args:
            author: the partition's key.
            version: the version to go back to; None for the last one before the served one that
                may be served.
            why_not: called with a version, says why it may not be served, if it may not.

        Raises:
            BadInputError: the author has no such version, or no earlier one, or it may not be
                served.
        """
        ...

    def prune(self, author: str, keep: int) -> list[str]:
        """Remove versions beyond the newest ``keep``, never the served one; return their names."""
        ...

    def traces(self, author: str) -> int:
        """Return how many files and rows of the author there are, in whatever state they are."""
        ...

    def forget(self, author: str) -> None:
        """Remove everything of the author, whatever state it is in; may be repeated.

        Raises:
            StorageError: something cannot be removed.
        """
        ...

    def verify(self, author: str, version: str) -> None:
        """Compare the version's files with its manifest.

        Raises:
            IndexCorruptedError: one differs or is missing.
        """
        ...

    def verify_once(self, author: str, version: str) -> None:
        """Verify the version, unless some process has before and no file was touched since.

        Raises:
            IndexCorruptedError: a file differs or is missing.
        """
        ...

    def read(self, author: str, version: str) -> IndexPartition:
        """Return what the version was made of.

        Raises:
            IndexCorruptedError: its files do not match its manifest.
        """
        ...

    def open(self, served: Mapping[str, str]) -> Snapshot:
        """Open the versions, given as ``{author: version}``, for search.

        Raises:
            IndexCorruptedError: files of one do not match their manifest.
        """
        ...


def backends_in_use(settings: TwinSettings) -> list[str]:
    """Return the index backends that have a server or hold something in the home."""
    servers = {"qdrant": settings.qdrant_url, "chroma": settings.chroma_url}
    return [
        backend
        for backend in BACKENDS
        if servers.get(backend) or (settings.indexes_path / backend).is_dir()
    ]


def create_store(name: str, settings: TwinSettings) -> VectorStore:
    """Return the index backend of this name.

    Raises:
        BadInputError: there is none of this name.
    """
    root = settings.indexes_path / name
    match name:
        case "faiss":
            from twin_assets.stores.faiss import FaissStore

            return FaissStore(root)
        case "qdrant":
            from twin_assets.stores.qdrant import QdrantStore

            key = settings.qdrant_api_key.get_secret_value() or None
            return QdrantStore(root, settings.qdrant_url, key, grpc=settings.qdrant_grpc)
        case "chroma":
            from twin_assets.stores.chroma import ChromaStore

            token = settings.chroma_token.get_secret_value() or None
            return ChromaStore(root, settings.chroma_url, token)
    raise BadInputError(f"There is no index backend {name!r}; use {', '.join(BACKENDS)}.")
