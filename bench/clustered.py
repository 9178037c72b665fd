"""Vectors that lie like those of real passages: around topics, and a little around their author."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category, Chunk, CleanedDocument, RawDocument, Window
from twin_assets.stores import IndexPartition
from twin_assets.stores.manifest import Model

DIMENSION = 384
WINDOWS = 1000  # an author's
CATEGORY = Category.ARTICLE
_WINDOWS_A_CHUNK = 2
_CHUNKS_A_DOCUMENT = 10
CHUNKS = WINDOWS // _WINDOWS_A_CHUNK
_CHUNK_CHARACTERS = 1000
_TOPICS, _TOPICS_OF_AUTHOR = 500, 20
_AUTHOR_WEIGHT, _TOPIC_WEIGHT, _NOISE_WEIGHT = 0.6, 1.0, 1.0
_WORDS = ("slow", "dough", "rests", "because", "acid", "gives", "crumb", "its", "taste")


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched for, and the author who is asked; others may have written more about it."""

    vector: Vectors
    author: int


class Corpus:
    """Authors of 1,000 windows each, the same for the same seed."""

    def __init__(self, authors: int, seed: int) -> None:
        """Draw the centres."""
        random = np.random.default_rng(seed)
        self.authors = [f"author-{number:04d}" for number in range(authors)]
        self._seed = seed
        self._topics = _unit(random.normal(size=(_TOPICS, DIMENSION)))
        self._centres = _unit(random.normal(size=(authors, DIMENSION)))
        self._topics_of = [
            random.choice(_TOPICS, _TOPICS_OF_AUTHOR, replace=False) for _ in self.authors
        ]

    def vectors(self, author: int, edition: int = 0) -> Vectors:
        """Return the author's vectors; another edition is other text on the same topics."""
        random = np.random.default_rng([self._seed, author, edition])
        topics = np.repeat(random.choice(self._topics_of[author], CHUNKS), _WINDOWS_A_CHUNK)
        return self._draw(random, author, topics)

    def questions(self, count: int) -> list[Question]:
        """Return questions about one author's topics, each asked of an author drawn at random."""
        random = np.random.default_rng([self._seed, len(self.authors), 1])
        drawn = []
        for about, asked in random.integers(len(self.authors), size=(count, 2)).tolist():
            topics = random.choice(self._topics_of[about], 1)
            drawn.append(Question(self._draw(random, about, topics), asked))
        return drawn

    def partition(self, author: int, edition: int = 0) -> IndexPartition:
        """Return the author's documents, chunks, windows and vectors."""
        slug = self.authors[author]
        random = np.random.default_rng([self._seed, author, edition, 1])
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
            vectors=self.vectors(author, edition),
            model=Model("clustered", "0" * 64, "float32", DIMENSION),
            chunking={},
            data_version=f"edition-{edition}",
            run_id="bench",
            upstream=(),
        )

    def _draw(self, random: np.random.Generator, author: int, topics: Sequence[int]) -> Vectors:
        noise = _unit(random.normal(size=(len(topics), DIMENSION)))
        drawn = (
            _AUTHOR_WEIGHT * self._centres[author]
            + _TOPIC_WEIGHT * self._topics[topics]
            + _NOISE_WEIGHT * noise
        )
        return _unit(drawn).astype(np.float32)


def chunks_of_rows(rows: Iterable[int], k: int) -> list[int]:
    """Return the first ``k`` chunks that the rows belong to, numbered through all authors."""
    return list(dict.fromkeys(row // _WINDOWS_A_CHUNK for row in rows))[:k]


def chunk_in(text: str) -> int:
    """Return the number of the chunk that the text is of."""
    return int(text.partition(" ")[0])


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
