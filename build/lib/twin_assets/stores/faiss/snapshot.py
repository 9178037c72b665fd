"""The FAISS store opened for search."""

from collections.abc import Mapping, Sequence

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category, Chunk, CleanedDocument
from twin_assets.stores import Hit
from twin_assets.stores.bm25 import Bm25Index, WordMatch
from twin_assets.stores.faiss.collection import Collection, FoundChunk
from twin_assets.stores.faiss.exact import sample_questions
from twin_assets.stores.faiss.files import OpenedVersion
from twin_assets.stores.faiss.ivf import Ivf
from twin_assets.stores.faiss.ivf_search import ApproximateSearch
from twin_assets.stores.manifest import refuse_different_models

_WINDOWS_A_CHUNK = 8  # looked at first, for each chunk that is wanted
_RECALL_SEED = 7


class FaissSnapshot:
    """A :class:`~twin_assets.stores.Snapshot` over mapped files."""

    def __init__(
        self,
        versions: Sequence[OpenedVersion],
        ivfs: Mapping[Category, Ivf],
        faults: tuple[str, ...],
        exact_below: int,
    ) -> None:
        """Put the versions' rows together.

        Args:
            versions: one an author.
            ivfs: the IVFs that are at hand.
            faults: see :class:`~twin_assets.stores.Snapshot`.
            exact_below: a category with fewer rows is searched exactly in spite of an IVF.

        Raises:
            IndexCorruptedError: the versions come from models that cannot be compared.
        """
        refuse_different_models(version.manifest for version in versions)
        self.bm25 = Bm25Index([version.bm25 for version in versions])
        self.faults = (*faults, *self.bm25.faults)
        self._versions = {version.author: version for version in versions}
        self.collections = {category: Collection(category, versions) for category in Category}
        searches = {
            category: ApproximateSearch(self.collections[category], ivf)
            for category, ivf in ivfs.items()
            if self.collections[category].rows >= exact_below
        }
        self._approximate = {name: search for name, search in searches.items() if search.held_rows}

    def document(self, chunk: Chunk) -> CleanedDocument | None:
        """See :meth:`Snapshot.document`."""
        version = self._versions.get(chunk.author)
        return version.documents.find("document_id", chunk.document_id) if version else None

    def search(
        self, vectors: Vectors, category: Category, k: int, author: str | None = None
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.search`.

        Over all authors, the nearest may be missed now and then where there is an IVF; the scores
        are exact.

        Raises:
            IndexCorruptedError: a version's files do not fit each other.
        """
        collection = self.collections[category]
        approximate = self._approximate.get(category) if author is None else None
        found = _find(collection, approximate, vectors, k, author)
        return [collection.hits(chunks) for chunks in found]

    def compare(
        self, vectors: Vectors, category: Category, matches: Sequence[WordMatch]
    ) -> list[list[Hit]]:
        """See :meth:`Snapshot.compare`.

        Raises:
            IndexCorruptedError: a version's files do not fit each other.
        """
        collection = self.collections[category]
        wanted = [(match.author, match.row) for match in matches]
        return [collection.hits(chunks) for chunks in collection.compare(vectors, wanted)]

    def ivf_recall(self, category: Category, questions: int = 200, k: int = 10) -> float | None:
        """Return which share of the ``k`` nearest chunks a search over all authors finds.

        Args:
            category: the collection that is searched.
            questions: how many are asked; they are made from stored vectors.
            k: chunks a question.

        Returns:
            None when such searches are exact.
        """
        approximate = self._approximate.get(category)
        if approximate is None:
            return None
        collection = self.collections[category]
        vectors = sample_questions(collection.matrices, questions, _RECALL_SEED)
        found = _find(collection, approximate, vectors, k)
        truth = _find(collection, None, vectors, k)
        return sum(
            len(_places(some) & _places(all_)) for some, all_ in zip(found, truth, strict=True)
        ) / sum(len(all_) for all_ in truth)


def _find(
    collection: Collection,
    approximate: ApproximateSearch | None,
    vectors: Vectors,
    k: int,
    author: str | None = None,
) -> list[list[FoundChunk]]:
    """Look at ever more windows until they belong to ``k`` chunks, or there are no more."""
    versions = collection.of(author)
    rows = collection.size(versions)
    found: list[list[FoundChunk]] = [[] for _ in vectors]
    if not rows or k < 1:
        return found
    pending = list(range(len(vectors)))
    wanted = min(_WINDOWS_A_CHUNK * k, rows)
    while pending:
        if approximate:
            scores, nearest = approximate.search(vectors[pending], wanted)
        else:
            scores, nearest = collection.exact(versions, vectors[pending], wanted)
        for at, place in enumerate(pending):
            found[place] = collection.chunks(scores[at], nearest[at], k)
        pending = [place for place in pending if len(found[place]) < k]
        if approximate and (nearest < 0).any():  # the lists that were looked into hold no more
            approximate = None
        elif wanted == rows:
            break
        else:
            wanted = min(4 * wanted, rows)
    return found


def _places(found: Sequence[FoundChunk]) -> set[tuple[int, int]]:
    return {(chunk.version, chunk.place) for chunk in found}
