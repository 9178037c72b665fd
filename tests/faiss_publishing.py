"""Publishing to FAISS for tests. ``faults.py`` has the steps where it can be broken off.

Run as a program, it publishes; see ``publishing.main``.
"""

from functools import partial
from pathlib import Path

import publishing

from twin_assets.stores.faiss import FaissStore

start = partial(publishing.start_program, __file__)


def make_store(root: Path, url: str) -> FaissStore:
    return FaissStore(root)


def kept_rows(root: Path, url: str) -> set[tuple[object, object]]:
    """Return the author and version of every folder of rows."""
    return {(folder.parts[-3], folder.name) for folder in root.glob("*/versions/*/")}


if __name__ == "__main__":
    publishing.main(make_store, {})
