"""What stands in the last third of a long chunk is found, because every window is embedded."""

from contextlib import closing

from long_chunks import long_files, reciprocal_ranks

from twin_assets.documents import Author
from twin_assets.raw_store import open_raw_store
from twin_assets.stores import create_store
from twin_serving.cli.launch import build
from twin_serving.retrieval import Rerank, RetrievalOptions, Search
from twin_serving.twin import Twin

FILES = 18


def test_the_last_third_of_a_chunk_is_found(settings, instance):
    files = long_files(FILES)
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("ada", "Ada"))
        store.upsert(file.document for file in files)
    assert build(settings, instance, [], lambda event: None).built == ["ada"]
    index = create_store("faiss", settings)
    partition = index.read("ada", index.serving("ada") or "")
    assert len(partition.chunks) == FILES  # a file is one chunk
    assert min(chunk.tokens for chunk in partition.chunks) > 1000

    twin = Twin(settings)
    by_vectors = RetrievalOptions(author="ada", k=FILES, search=Search.DENSE, rerank=Rerank.OFF)
    rankings = [
        [one.document.document_id for one in twin.retriever.candidates(file.question, by_vectors)]
        for file in files
    ]
    ranks = reciprocal_ranks(rankings, [file.document.document_id for file in files])
    assert sum(rank >= 1 / 3 for rank in ranks) / FILES >= 0.9
