"""Vectors that lie like those of real passages: around topics, and a little around their author."""

from collections.abc import Sequence

import numpy as np
from corpus import CATEGORY, Question

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Chunk, CleanedDocument, RawDocument, Window
from twin_assets.stores import IndexPartition
from twin_assets.stores.manifest import Model

DIMENSION = 384
WINDOWS = 1000  # an author's
_WINDOWS_A_CHUNK = 2
_CHUNKS_A_DOCUMENT = 10
CHUNKS = WINDOWS // _WINDOWS_A_CHUNK
_CHUNK_CHARACTERS = 1000
_TOPICS, _TOPICS_OF_AUTHOR = 500, 20
_AUTHOR_WEIGHT, _TOPIC_WEIGHT, _NOISE_WEIGHT = 0.6, 1.0, 1.0
_WORDS = ("slow", "dough", "rests", "because", "acid", "gives", "crumb", "its", "taste")


class Clustered:
    """A :class:`Corpus` of authors with 1,000 windows each."""

    name = "clustered"
    windows_a_chunk = _WINDOWS_A_CHUNK

    def __init__(self, authors: int, seed: int) -> None:
        """Draw the centres."""
        random = np.random.default_rng(seed)
        self.authors: Sequence[str] = [f"author-{number:04d}" for number in range(authors)]
        self.firsts: Sequence[int] = range(0, WINDOWS * (authors + 1), WINDOWS)
        self._seed = seed
        self._topics = _unit(random.normal(size=(_TOPICS, DIMENSION)))
        self._centres = _unit(random.normal(size=(authors, DIMENSION)))
        self._topics_of = [
            random.choice(_TOPICS, _TOPICS_OF_AUTHOR, replace=False) for _ in self.authors
        ]

    def vectors(self, author: int) -> Vectors:
        """See :meth:`Corpus.vectors`."""
        random = np.random.default_rng([self._seed, author, 0])
        topics = np.repeat(random.choice(self._topics_of[author], CHUNKS), _WINDOWS_A_CHUNK)
        return self._draw(random, author, topics)

    def questions(self, count: int) -> list[Question]:
        """See :meth:`Corpus.questions`. Each is about the topics of one author or another."""
        random = np.random.default_rng([self._seed, len(self.authors), 1])
        drawn = []
        for about, asked in random.integers(len(self.authors), size=(count, 2)).tolist():
            topics = random.choice(self._topics_of[about], 1)
            drawn.append(Question(self._draw(random, about, topics), asked))
        return drawn

    def partition(self, author: int) -> IndexPartition:
        """See :meth:`Corpus.partition`."""
        slug = self.authors[author]
        random = np.random.default_rng([self._seed, author, 0, 1])
        documents: list[CleanedDocument] = []
        chunks: list[Chunk] = []
        for number in range(CHUNKS // _CHUNKS_A_DOCUMENT):
            first = author * CHUNKS + number * _CHUNKS_A_DOCUMENT
            texts = [_text(random, first + place) for place in range(_CHUNKS_A_DOCUMENT)]
            document = _document(slug, number, "".join(texts))
            documents.append(document)
            chunks += _chunks(document, texts)
        return IndexPartition(
            author=Author(slug, slug),
            documents=documents,
            chunks=chunks,
            windows=[window for chunk in chunks for window in _windows(chunk)],
            vectors=self.vectors(author),
            model=Model("clustered", "0" * 64, "float32", DIMENSION),
            chunking={},
            data_version="clustered",
            run_id="bench",
            upstream=(),
        )

    def chunk_of(self, row: int) -> int:
        """See :meth:`Corpus.chunk_of`."""
        return row // _WINDOWS_A_CHUNK

    def chunk_in(self, text: str) -> int:
        """See :meth:`Corpus.chunk_in`."""
        return int(text.partition(" ")[0])

    def _draw(self, random: np.random.Generator, author: int, topics: Sequence[int]) -> Vectors:
        noise = _unit(random.normal(size=(len(topics), DIMENSION)))
        drawn = (
            _AUTHOR_WEIGHT * self._centres[author]
            + _TOPIC_WEIGHT * self._topics[topics]
            + _NOISE_WEIGHT * noise
        )
        return _unit(drawn).astype(np.float32)


def _document(author: str, number: int, text: str) -> CleanedDocument:
    raw = RawDocument(author, "blog", CATEGORY, f"https://example.com/{author}/{number}", "", text)
    return CleanedDocument(
        raw.document_id, author, raw.platform, CATEGORY, raw.link, f"Text {number}", text
    )


def _chunks(document: CleanedDocument, texts: Sequence[str]) -> list[Chunk]:
    chunks, start = [], 0
    for text in texts:
        end = start + len(text)
        chunks.append(
            Chunk(
                Chunk.identify(document.document_id, start, end, text),
                document.document_id,
                document.author,
                CATEGORY,
                document.title,
                start,
                end,
                text,
                len(text) // 4,
            )
        )
        start = end
    return chunks


def _windows(chunk: Chunk) -> list[Window]:
    step = len(chunk.text) // _WINDOWS_A_CHUNK
    starts = [step * number for number in range(_WINDOWS_A_CHUNK)]
    return [
        Window.of(chunk.chunk_id, start, start + step, chunk.text[start : start + step], step // 4)
        for start in starts
    ]


def _text(random: np.random.Generator, number: int) -> str:
    words = random.choice(_WORDS, _CHUNK_CHARACTERS // 5).tolist()
    return " ".join([str(number), *words])[:_CHUNK_CHARACTERS]


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
