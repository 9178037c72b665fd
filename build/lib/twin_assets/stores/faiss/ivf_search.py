"""Search through an IVF that may be older than what is served: what it does not hold is exact."""

from math import ceil

import faiss
import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.stores.faiss.collection import Collection
from twin_assets.stores.faiss.exact import Rows, best_first, exact_scores, renumbered
from twin_assets.stores.faiss.ivf import Ivf


class ApproximateSearch:
    """An IVF that answers for a collection.

    The IVF answers for the authors whose opened version is the one that it holds. Its other rows
    are passed over inside the search, and the other authors' opened versions are searched exactly.
    The fewer of its rows answer, the more lists are looked into: as many rows as at first.
    """

    def __init__(self, collection: Collection, ivf: Ivf) -> None:
        """Find out which versions the IVF holds."""
        self._collection = collection
        self._ivf = ivf
        opened = {
            (version.author, version.manifest.version): place
            for place, version in enumerate(collection.versions)
        }
        self._starts = np.array([h.first for h in ivf.record.authors.values()], np.int64)
        self._targets = np.zeros_like(self._starts)
        end = max((h.first + h.rows for h in ivf.record.authors.values()), default=0)
        is_held = np.zeros(end, np.bool_)
        for at, (author, held) in enumerate(ivf.record.authors.items()):
            place = opened.pop((author, held.version), None)
            if place is not None:
                self._targets[at] = collection.firsts[place]
                is_held[held.first : held.first + held.rows] = True
        self._others = list(opened.values())
        self.held_rows = int(is_held.sum())
        thinned = ivf.record.rows / max(1, self.held_rows)
        self._parameters = faiss.SearchParametersIVF()
        self._parameters.nprobe = min(ivf.record.lists, ceil(thinned * ivf.record.nprobe))
        if self.held_rows < ivf.record.rows:
            self._bits = np.packbits(is_held, bitorder="little")  # FAISS reads them where they are
            self._selector = faiss.IDSelectorBitmap(self._bits)  # type: ignore[call-arg, arg-type]
            self._parameters.sel = self._selector

    def search(self, vectors: Vectors, wanted: int) -> tuple[Vectors, Rows]:
        """Return exact scores and rows of what was found near each vector, best first.

        Where the lists that were looked into hold fewer rows, the last ones are -1.
        """
        _, ids = self._ivf.index.search(vectors, wanted, params=self._parameters)
        rows = np.where(ids < 0, -1, renumbered(ids, self._starts, self._targets))
        scores = exact_scores(self._collection.matrices, self._collection.firsts, vectors, rows)
        if self._others:
            more_scores, more_rows = self._collection.exact(self._others, vectors, wanted)
            scores = np.concatenate([scores, more_scores], axis=1)
            rows = np.concatenate([rows, more_rows], axis=1)
        return best_first(scores, rows, wanted)
