"""The token vectors of passages that were read lately, so that none is read twice."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from twin_assets.artifacts import Vectors
from twin_assets.embedding import Embedder

_LIMIT = 128 * 2**20  # bytes: 688 passages as long as the packaged model reads

_Key = tuple[str, bytes]
_Held = npt.NDArray[np.float16]


class TokenVectors:
    """What :meth:`Embedder.encode_tokens` gives, kept until others take its place.

    Questions about one thing find the same passages, and reading those anew is most of what late
    interaction takes. Half precision is as near to the vectors as a bfloat16 model computes them.
    """

    def __init__(self, embedder: Embedder, limit: int = _LIMIT) -> None:
        """Begin with none.

        Args:
            embedder: what reads the texts.
            limit: bytes of vectors that are kept at most.
        """
        self.embedder = embedder
        self._limit = limit
        self._lock = threading.Lock()
        self._held: OrderedDict[_Key, _Held] = OrderedDict()  # read last, last
        self._bytes = 0

    def of(self, texts: Sequence[str], authors: Sequence[str]) -> list[Vectors]:
        """Return each text's vectors: float32 (tokens, dimension), the same while they are kept.

        What a bfloat16 model makes of a text depends, in the fourth digit of a score, on the texts
        that it is read with.

        Args:
            texts: as :meth:`Embedder.encode_tokens` takes them.
            authors: of each text its author, see :meth:`drop_all_but`.
        """
        digests = (blake2b(text.encode()).digest() for text in texts)
        keys = list(zip(authors, digests, strict=True))
        with self._lock:
            known = {key: self._held[key] for key in keys if key in self._held}
        unread = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        read = self.embedder.encode_tokens(list(unread.values()))
        with self._lock:
            for key, vectors in zip(unread, read, strict=True):
                known[key] = self._held.get(key, vectors.astype(np.float16))
            for key, held in known.items():
                self._keep(key, held)
        return [known[key].astype(np.float32) for key in keys]

    def drop_all_but(self, authors: Collection[str]) -> None:
        """Keep these authors' only: of one who was forgotten nothing stays in the memory."""
        with self._lock:
            for key in [key for key in self._held if key[0] not in authors]:
                self._bytes -= self._held.pop(key).nbytes

    def _keep(self, key: _Key, vectors: _Held) -> None:
        if key not in self._held:
            self._bytes += vectors.nbytes
            self._held[key] = vectors
        self._held.move_to_end(key)
        while self._bytes > self._limit:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= oldest.nbytes


@lru_cache(maxsize=2)
def token_vectors_for(embedder: Embedder) -> TokenVectors:
    """Return the process's one for the embedder."""
    return TokenVectors(embedder)
