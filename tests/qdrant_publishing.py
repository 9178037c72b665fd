"""Publishing to Qdrant for tests: where it can be broken off, and what is kept.

Run as a program, it publishes; see ``publishing.main``.
"""

import pathlib
from contextlib import closing
from functools import partial
from pathlib import Path

import publishing
from faults import Step
from qdrant_client import QdrantClient

from twin_assets.stores import qdrant
from twin_assets.stores.qdrant import QdrantStore

STEPS = {
    "make the collections": Step(qdrant, "prepare"),
    "write the first windows": Step(QdrantClient, "upsert", 1),
    "write the last documents": Step(QdrantClient, "upsert", 6),
    "rename the manifest": Step(pathlib.Path, "replace", 1),
}
make_store = QdrantStore
start = partial(publishing.start_program, __file__)


def connect(root: Path, url: str) -> QdrantClient:
    if url:
        return QdrantClient(url=url, check_compatibility=False)
    return QdrantClient(path=str(root / "_local"))


def kept_rows(root: Path, url: str) -> set[tuple[object, object]]:
    """Return the author and version of every point."""
    with closing(connect(root, url)) as client:
        return {
            (point.payload["author"], point.payload["version"])
            for collection in client.get_collections().collections
            for point in client.scroll(collection.name, limit=10_000)[0]
        }


if __name__ == "__main__":
    publishing.main(make_store, STEPS)
