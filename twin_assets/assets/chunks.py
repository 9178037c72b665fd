"""chunks and windows: what is retrieved, and what the embedding model reads at once."""

from collections.abc import Sequence

import dagster as dg

from twin_assets.artifacts import artifact_path, read_rows, write_rows
from twin_assets.assets.at_rest import has_file
from twin_assets.assets.cleaned import cleaned_documents
from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.previews import plot, preview, row_count, spread
from twin_assets.assets.provenance import Materialization
from twin_assets.chunking import chunk_document
from twin_assets.documents import Category, Chunk, CleanedDocument, Window, digest
from twin_assets.gate import chunks_cover_text, windows_hold_every_token
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.plots import histogram
from twin_assets.settings import TwinSettings
from twin_assets.windows import window_chunk


@author_asset(
    deps=[cleaned_documents],
    group="prepare",
    kinds={"python", "parquet"},
    team="data",
    code_version="3",
    rows=Chunk,
)
def chunks(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """The author's documents as passages, split by category, each with its span in the text."""

    def work(author: str, _: Sequence[Materialization]) -> Outcome:
        documents = read_rows(
            artifact_path(settings.artifacts_path, "cleaned_documents", author), CleanedDocument
        )
        made = chunk_documents(documents, settings)
        verdict = chunks_cover_text(documents, made)
        verdict.require()
        write_rows(artifact_path(settings.artifacts_path, "chunks", author), Chunk, made)
        counts = {
            f"{category.value} chunks": sum(chunk.category == category for chunk in made)
            for category in Category
        }
        return Outcome(
            data_version=digest(*(f"{chunk.chunk_id} {chunk.title}" for chunk in made)),
            metadata={
                **row_count(made),
                "chunks": len(made),
                **counts,
                **spread("tokens", [chunk.tokens for chunk in made]),
                "check": verdict.reason,
                "lengths": plot(
                    histogram([chunk.tokens for chunk in made], "tokens"), "chunks by length"
                ),
                "preview": preview(made[0].text if made else ""),
            },
        )

    return AuthorRun(context, has_file(settings)).materialize(work)


@author_asset(
    deps=[chunks],
    group="embed",
    kinds={"python", "parquet"},
    team="ml",
    code_version="2",
    rows=Window,
)
def windows(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """The author's chunks as overlapping windows that the embedding model reads whole."""

    def work(author: str, _: Sequence[Materialization]) -> Outcome:
        passages = read_rows(artifact_path(settings.artifacts_path, "chunks", author), Chunk)
        made = window_chunks(passages, settings)
        model = find_model(settings.embedding_model)
        tokenizer = load_tokenizer(model.path)
        verdict = windows_hold_every_token(passages, made, tokenizer, model.max_tokens)
        verdict.require()
        write_rows(artifact_path(settings.artifacts_path, "windows", author), Window, made)
        return Outcome(
            data_version=digest(*(f"{w.window_id} {w.reading_hash}" for w in made)),
            metadata={
                **row_count(made),
                "windows": len(made),
                "token limit": model.max_tokens,
                **spread("tokens", [window.tokens for window in made]),
                "check": verdict.reason,
            },
        )

    return AuthorRun(context, has_file(settings)).materialize(work)


def chunk_documents(documents: list[CleanedDocument], settings: TwinSettings) -> list[Chunk]:
    """Return the documents' chunks, with the embedding model's tokens as the measure."""
    tokenizer = load_tokenizer(find_model(settings.embedding_model).path)
    return [
        chunk for document in documents for chunk in chunk_document(document, tokenizer, settings)
    ]


def window_chunks(passages: list[Chunk], settings: TwinSettings) -> list[Window]:
    """Return the chunks' windows, sized by the embedding model's limit."""
    model = find_model(settings.embedding_model)
    tokenizer = load_tokenizer(model.path)
    return [
        window
        for chunk in passages
        for window in window_chunk(chunk, tokenizer, model.max_tokens, settings.window_overlap)
    ]
