"""Twin's own stores, through the protocol that every index backend keeps."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from contenders import K, Search, System
from corpus import CATEGORY, Corpus

from twin_assets.artifacts import Vectors
from twin_assets.stores import VectorStore
from twin_assets.stores.chroma import ChromaStore
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.qdrant import QdrantStore

FAISS = "twin FAISS"
MakeStore = Callable[[Path], VectorStore]


def publish_all(make: MakeStore, corpus: Corpus, home: Path) -> float:
    """Publish and serve every author; return the seconds."""
    store, seconds = make(home), 0.0
    for author in range(len(corpus.authors)):
        partition = corpus.partition(author)
        started = perf_counter()
        store.serve(partition.author.slug, store.publish(partition).version)
        seconds += perf_counter() - started
    return seconds


def build_ivf(home: Path, eight_bit: bool) -> dict[str, Any]:
    """Build the IVF over all authors; return what it says of itself, if it is needed."""
    store = FaissStore(home)
    started = perf_counter()
    record = store.build_ivf(_served(store), eight_bit=eight_bit).get(CATEGORY)
    if record is None:
        return {}
    return {
        "ivf s": perf_counter() - started,
        "lists": record.lists,
        "nprobe": record.nprobe,
        "recall when built": record.recall,
        "MB": (home / "_ivf" / record.file).stat().st_size / 1e6,
    }


def open_served(make: MakeStore, corpus: Corpus, home: Path) -> Search:
    """Open what is served, as a process that answers does."""
    store = make(home)
    snapshot = store.open(_served(store))

    def search(vector: Vectors, author: int | None) -> list[int]:
        slug = None if author is None else corpus.authors[author]
        (hits,) = snapshot.search(vector, CATEGORY, K, slug)
        return [corpus.chunk_in(hit.chunk.text) for hit in hits]

    return search


def publish_again(make: MakeStore, corpus: Corpus, home: Path) -> float:
    """Return how long it takes until a new version of one author answers in an open store."""
    before = corpus.partition(0)
    changed = replace(
        before,
        chunks=[replace(chunk, title=f"{chunk.title}, again") for chunk in before.chunks],
        data_version="again",
    )
    store, slug = make(home), before.author.slug
    served = _served(store)
    store.open(served)
    started = perf_counter()
    store.serve(slug, store.publish(changed).version)
    (hits,) = store.open(_served(store)).search(changed.vectors[:1], CATEGORY, 1, slug)
    seconds = perf_counter() - started
    if hits[0].chunk not in changed.chunks:
        raise SystemExit("the new version was not visible")
    store.serve(slug, served[slug])
    return seconds


def _system(module: str, make: MakeStore) -> System:
    return System(
        module,
        build=partial(publish_all, make),
        open=partial(open_served, make),
        publish_again=partial(publish_again, make),
    )


FAISS_STORE = _system("faiss", FaissStore)
DATABASES = {
    "twin Qdrant, in a folder": _system("qdrant_client", QdrantStore),
    "twin Chroma, in a folder": _system("chromadb", ChromaStore),
}


def _served(store: VectorStore) -> dict[str, str]:
    return {author: version for author in store.authors() if (version := store.serving(author))}
