"""The assets, in the data's order. Each is thin: the work is in the modules above."""

from collections.abc import Iterable

import dagster as dg

from twin_assets.assets.chunks import chunks, windows
from twin_assets.assets.cleaned import cleaned_documents
from twin_assets.assets.embeddings import embeddings
from twin_assets.assets.indexes import INDEXES
from twin_assets.assets.ivf import faiss_ivf
from twin_assets.assets.raw import raw_documents

_STAGES = (raw_documents, cleaned_documents, chunks, windows, embeddings)
ASSETS = (*_STAGES, *INDEXES.values())


def chain(indexes: Iterable[str]) -> tuple[dg.AssetsDefinition, ...]:
    """Return the assets from the raw documents to these index backends, in the data's order."""
    wanted = set(indexes)
    return (*_STAGES, *(asset for name, asset in INDEXES.items() if name in wanted))


__all__ = [
    "ASSETS",
    "INDEXES",
    "chain",
    "chunks",
    "cleaned_documents",
    "embeddings",
    "faiss_ivf",
    "raw_documents",
    "windows",
]
