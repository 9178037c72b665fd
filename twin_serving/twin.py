"""A twin: questions in, cited answers out. The command line and the page sit on this."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter

from twin_assets.embedding import embedder_for
from twin_assets.settings import TwinSettings
from twin_serving.catalog import Catalog, open_catalog
from twin_serving.llm import Answerer, Piece, Support
from twin_serving.models import create_model
from twin_serving.retrieval import Passage, Retrieval, RetrievalOptions, StageTrace
from twin_serving.retrieval.pipeline import Retriever

NOTHING_FITTING = (
    "Nothing fitting was found in what is indexed. "
    "Try other words, or name an author that has written about it."
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that the answer cites, and the words in it that support the answer."""

    passage: Passage
    support: tuple[Support, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``citations`` is empty when nothing fitting was found."""

    retrieval: Retrieval
    text: str
    answered_by: str
    citations: tuple[Citation, ...]
    trace: tuple[StageTrace, ...]


class Twin:
    """Answers questions from the index that the Dagster instance of its home vouches for."""

    def __init__(self, settings: TwinSettings, catalog: Catalog | None = None) -> None:
        """Answer from the catalog, by default the one of the home that the settings name.

        Models are loaded at the first question.

        Raises:
            StorageError: the home cannot be used.
        """
        self.settings = settings
        self.catalog = catalog or open_catalog(settings)

    @cached_property
    def retriever(self) -> Retriever:
        """The retrieval stages."""
        model = create_model(self.settings)
        return Retriever(self.catalog, embedder_for(self.settings), self.settings, model)

    @cached_property
    def answerer(self) -> Answerer:
        """Who writes the answers."""
        from twin_serving.llm.extractive import ExtractiveAnswerer

        return ExtractiveAnswerer(embedder_for(self.settings))

    def retrieve(self, question: str, options: RetrievalOptions) -> Retrieval:
        """Return the passages for the question; raises as :meth:`Retriever.retrieve`."""
        return self.retriever.retrieve(question, options)

    def ask(self, question: str, options: RetrievalOptions) -> Answer:
        """Return the cited answer; see :meth:`Retriever.retrieve` for what it raises."""
        *_, answer = self.stream(question, options)
        assert isinstance(answer, Answer)  # noqa: S101  # the stream always ends with it
        return answer

    def stream(
        self, question: str, options: RetrievalOptions
    ) -> Iterator[Retrieval | Piece | Answer]:
        """Yield the retrieval, then the answer's pieces, then the whole answer.

        Raises:
            TwinError: as :meth:`Retriever.retrieve`, before anything is yielded.
        """
        retrieval = self.retrieve(question, options)
        yield retrieval
        started = perf_counter()
        pieces: list[Piece] = []
        if retrieval.passages:
            for piece in self.answerer.stream(retrieval.question, retrieval.passages):
                pieces.append(piece)
                yield piece
        else:
            pieces.append(Piece(NOTHING_FITTING))
            yield pieces[0]
        citations = cite(retrieval.passages, pieces)
        generation = StageTrace(
            "generation",
            perf_counter() - started,
            {"answered_by": self.answerer.name, "cited": [c.passage.n for c in citations]},
            skipped=not retrieval.passages,
            reason=None if retrieval.passages else "there is no passage to answer from",
        )
        yield Answer(
            retrieval,
            "".join(piece.text for piece in pieces),
            self.answerer.name,
            citations,
            (*retrieval.trace, generation),
        )


def cite(passages: Sequence[Passage], pieces: Sequence[Piece]) -> tuple[Citation, ...]:
    """Return the passages that the pieces rest on, each with its supporting words."""
    support: dict[int, list[Support]] = {}
    for piece in pieces:
        for words in piece.support:
            support.setdefault(words.n, []).append(words)
    return tuple(
        Citation(passage, tuple(support[passage.n])) for passage in passages if passage.n in support
    )
