"""The hybrid pipelines of other systems, in memory, as their documentation puts them together.

Each function takes the texts with their vectors, and ``embed``, which makes a question's vector, so
that every system pays for the same model. What it returns finds the places of the best texts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from twin_assets.artifacts import Vectors

Embed = Callable[[str], list[float]]
Find = Callable[[str, int], list[int]]


def haystack(texts: Sequence[str], vectors: Vectors, embed: Embed, deepest: int) -> Find:
    """BM25 and embedding retrievers over the in-memory store, joined by reciprocal rank.

    Raises:
        ImportError: haystack-ai is not installed.
    """
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
    store.write_documents(
        [
            Document(id=str(place), content=text, embedding=vector)
            for place, (text, vector) in enumerate(zip(texts, vectors.tolist(), strict=True))
        ]
    )
    words = InMemoryBM25Retriever(store, top_k=deepest)
    dense = InMemoryEmbeddingRetriever(store, top_k=deepest)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def find(question: str, k: int) -> list[int]:
        by_words = words.run(query=question)["documents"]
        by_vector = dense.run(query_embedding=embed(question))["documents"]
        joined = joiner.run(documents=[by_words, by_vector])["documents"]
        return [int(document.id) for document in joined[:k]]

    return find


def llama_index(texts: Sequence[str], vectors: Vectors, embed: Embed, deepest: int) -> Find:
    """A vector index and its BM25 retriever, fused by reciprocal rank, without other phrasings.

    Raises:
        ImportError: llama-index-core or llama-index-retrievers-bm25 is not installed.
    """
    from llama_index.core import VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    class Embedding(BaseEmbedding):  # type: ignore[misc]
        def _get_query_embedding(self, query: str) -> list[float]:
            return embed(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return embed(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return embed(text)

    nodes = [
        TextNode(id_=str(place), text=text, embedding=vector)
        for place, (text, vector) in enumerate(zip(texts, vectors.tolist(), strict=True))
    ]
    index = VectorStoreIndex(nodes, embed_model=Embedding())
    retriever = QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=deepest),
            BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=deepest),
        ],
        llm=MockLLM(),
        mode="reciprocal_rerank",
        similarity_top_k=deepest,
        num_queries=1,
        use_async=False,
    )

    def find(question: str, k: int) -> list[int]:
        return [int(found.node.node_id) for found in retriever.retrieve(question)[:k]]

    return find


def langchain(texts: Sequence[str], vectors: Vectors, embed: Embed, deepest: int) -> Find:
    """The FAISS store and the BM25 retriever in an ensemble of equal weights.

    Raises:
        ImportError: langchain-community or langchain-classic is not installed.
    """
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS
    from langchain_community.vectorstores.utils import DistanceStrategy
    from langchain_core.embeddings import Embeddings

    class Embedding(Embeddings):  # type: ignore[misc]
        def embed_query(self, text: str) -> list[float]:
            return embed(text)

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [embed(text) for text in texts]

    places: list[dict[str, Any]] = [{"place": place} for place in range(len(texts))]
    store = FAISS.from_embeddings(
        zip(texts, vectors.tolist(), strict=True),
        Embedding(),
        metadatas=places,
        distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
    )
    words = BM25Retriever.from_texts(texts, metadatas=places)
    words.k = deepest
    ensemble = EnsembleRetriever(
        retrievers=[words, store.as_retriever(search_kwargs={"k": deepest})], weights=[0.5, 0.5]
    )

    def find(question: str, k: int) -> list[int]:
        return [document.metadata["place"] for document in ensemble.invoke(question)[:k]]

    return find


PIPELINES = {"Haystack": haystack, "LlamaIndex": llama_index, "LangChain": langchain}
