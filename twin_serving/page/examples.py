"""Questions to begin with, made from what is served."""

from collections.abc import Sequence

from twin_assets.documents import Category, CleanedDocument
from twin_assets.stores import VectorStore
from twin_serving.catalog import ServedPartition

_MOST = 4
_LONGEST = 90  # characters of a title that makes a question


class Examples:
    """Makes questions, each about what an author wrote most on; a version is read once."""

    def __init__(self, store: VectorStore) -> None:
        """Read what is served from the store."""
        self._store = store
        self._made: dict[tuple[str, str], str | None] = {}

    def of(self, partitions: Sequence[ServedPartition]) -> list[str]:
        """Return at most four questions, of the first of the served authors.

        Raises:
            IndexCorruptedError: a version's files do not match its manifest.
        """
        first = [(p.author.slug, p.version, p.author.name) for p in partitions[:_MOST]]
        self._made = {
            (author, version): self._made[author, version]
            if (author, version) in self._made
            else _about(self._store.read(author, version).documents, name)
            for author, version, name in first
        }
        return [question for question in self._made.values() if question]


def _about(documents: Sequence[CleanedDocument], name: str) -> str | None:
    titled = [one for one in documents if one.title and len(one.title) <= _LONGEST]
    articles = [one for one in titled if one.category is Category.ARTICLE]
    if not titled:
        return None
    title = max(articles or titled, key=lambda one: len(one.text)).title
    return title if title.endswith("?") else f"What does {name} write about “{title}”?"
