"""The assets, in the data's order. Each is thin: the work is in the modules above."""

from twin_assets.assets.chunks import chunks, windows
from twin_assets.assets.cleaned import cleaned_documents
from twin_assets.assets.embeddings import embeddings
from twin_assets.assets.indexes import faiss_index
from twin_assets.assets.raw import raw_documents

CHAIN = (raw_documents, cleaned_documents, chunks, windows, embeddings, faiss_index)

__all__ = [
    "CHAIN",
    "chunks",
    "cleaned_documents",
    "embeddings",
    "faiss_index",
    "raw_documents",
    "windows",
]
