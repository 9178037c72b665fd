"""The rerank stage: by the cross-encoder where there is one, else by late interaction."""

from collections.abc import Collection, Sequence

from twin_assets.embedding import Embedder
from twin_assets.errors import ModelError
from twin_assets.settings import TwinSettings
from twin_serving.retrieval import Candidate, Rerank
from twin_serving.retrieval.cross_encoder import CrossEncoder, find_cross_encoder
from twin_serving.retrieval.late_interaction import late_interaction
from twin_serving.retrieval.token_vectors import token_vectors_for

MOST = 30  # candidates that are reranked: on Cranfield, the order below them changed nothing


class Reranker:
    """Puts candidates in order; which model does it is decided when this is made."""

    def __init__(self, embedder: Embedder, settings: TwinSettings) -> None:
        """Use the embedder, and the cross-encoder that the settings name if it is at hand."""
        self._embedder = embedder
        self._token_vectors = token_vectors_for(embedder)
        self._name = settings.cross_encoder
        folder = find_cross_encoder(self._name)
        self._cross_encoder = None if folder is None else CrossEncoder(folder)

    def drop_all_but(self, authors: Collection[str]) -> None:
        """Keep what was made of these authors' passages only."""
        self._token_vectors.drop_all_but(authors)

    def rerank(
        self, question: str, candidates: Sequence[Candidate], by: Rerank
    ) -> tuple[list[Candidate], str, str | None]:
        """Return the candidates in their new order, what ordered them, and why it was not another.

        The first 30 are put in order; those behind them follow as they were.

        Args:
            question: as it was asked.
            candidates: best first.
            by: anything but ``off``.
        """
        reason = None
        first, rest = candidates[:MOST], candidates[MOST:]
        if by is not Rerank.LATE_INTERACTION:
            if self._cross_encoder is None:
                reason = f"the cross-encoder {self._name} is not at hand"
            else:
                try:
                    ordered = self._cross_encoder.rerank(question, first, self._embedder)
                except ModelError as error:
                    reason = str(error)
                else:
                    return [*ordered, *rest], "cross-encoder", None
        ordered = late_interaction(question, first, self._token_vectors)
        return [*ordered, *rest], "late interaction", reason
