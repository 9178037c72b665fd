"""Small complete values for tests, each with the fields that a test does not care about filled."""

from collections.abc import Sequence

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Author, Category, Chunk, CleanedDocument, RawDocument, Window
from twin_assets.languages import language_of
from twin_assets.stores import IndexPartition
from twin_assets.stores.manifest import Model, Upstream

ADA = Author("ada", "Ada")
DIMENSION = 8
MODEL = Model("tiny", "0" * 64, "float32", DIMENSION)


def raw_document(
    link: str = "https://example.com/a",
    text: str = "Words.",
    *,
    author: str = "ada",
    category: Category = Category.ARTICLE,
) -> RawDocument:
    return RawDocument(author, "blog", category, link, "A title", text)


def cleaned_document(
    text: str,
    *,
    category: Category = Category.ARTICLE,
    author: str = "ada",
    link: str = "https://example.com/a",
    path: str | None = None,
) -> CleanedDocument:
    raw = raw_document(link, text, author=author, category=category)
    language = language_of(path) if path else None
    return CleanedDocument(
        raw.document_id,
        author,
        raw.platform,
        category,
        link,
        raw.title,
        text,
        language=language,
        path=path,
    )


def chunk_of(
    document: CleanedDocument, start: int, end: int, tokens: int = 1, title: str = ""
) -> Chunk:
    text = document.text[start:end]
    return Chunk(
        Chunk.identify(document.document_id, start, end, text),
        document.document_id,
        document.author,
        document.category,
        title,
        start,
        end,
        text,
        tokens,
    )


def unit_vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=(count, dimension))
    normalized: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return normalized


def partition(
    author: Author = ADA,
    windows_of_chunks: Sequence[tuple[Category, int]] = ((Category.ARTICLE, 1),),
    *,
    seed: int = 0,
    vectors: Vectors | None = None,
    model: Model = MODEL,
    data_version: str = "abcdef0123",
) -> IndexPartition:
    """Make a partition with one document and chunk for each ``(category, number of windows)``."""
    documents: list[CleanedDocument] = []
    chunks: list[Chunk] = []
    windows: list[Window] = []
    for at, (category, number) in enumerate(windows_of_chunks):
        text = f"{author.name} {seed} {at} " + "word " * number
        link = f"https://example.com/{author.slug}/{at}"
        document = cleaned_document(text, category=category, author=author.slug, link=link)
        chunk = chunk_of(document, 0, len(text), tokens=number)
        documents.append(document)
        chunks.append(chunk)
        windows += [
            Window.of(chunk.chunk_id, index, index + 1, text[index], 1) for index in range(number)
        ]
    if vectors is None:
        vectors = unit_vectors(len(windows), seed, model.dimension)
    return IndexPartition(
        author,
        documents,
        chunks,
        windows,
        vectors,
        model,
        {"article_chunk_characters": 2000},
        data_version,
        "run-1",
        (Upstream("embeddings", "run-0", 7, "abc"),),
    )
