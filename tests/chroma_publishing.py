"""Publishing to Chroma for tests: where it can be broken off, and what is kept.

Run as a program, it publishes; see ``publishing.main``.
"""

import pathlib
from functools import partial
from pathlib import Path

import publishing
from faults import Step

from twin_assets.stores.chroma import ChromaStore, rows
from twin_assets.stores.chroma.database import ChromaDatabase

STEPS = {
    "write the first windows": Step(rows, "_add", 1),
    "write the last documents": Step(rows, "_add", 6),
    "rename the manifest": Step(pathlib.Path, "replace", 1),
}
make_store = ChromaStore
start = partial(publishing.start_program, __file__)


def kept_rows(root: Path, url: str) -> set[tuple[object, object]]:
    """Return the author and version of every record."""
    with ChromaDatabase(root / "_database", url, None).session() as client:
        return {
            (metadata["author"], metadata["version"])
            for collection in rows.collections_of(client).values()
            for metadata in collection.get(include=["metadatas"])["metadatas"] or []
        }


if __name__ == "__main__":
    publishing.main(make_store, STEPS)
