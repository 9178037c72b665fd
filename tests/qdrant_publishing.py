"""Versions in Qdrant for tests: publishing them in another process, and looking at what is kept.

Run as a program, with the arguments that ``start`` gives it, it publishes and serves versions one
after another, and kills itself at the step.
"""

import pathlib
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from chroma_publishing import KEPT, assert_answers, publish_and_serve, seed_of, version_of
from faults import Step, kill_myself
from qdrant_client import QdrantClient

from twin_assets.stores import qdrant
from twin_assets.stores.qdrant import QdrantStore

STEPS = {
    "make the collections": Step(qdrant, "prepare"),
    "write the first windows": Step(QdrantClient, "upsert", 1),
    "write the last documents": Step(QdrantClient, "upsert", 6),
    "rename the manifest": Step(pathlib.Path, "replace", 1),
}


def start(
    root: Path,
    url: str,
    slug: str,
    first: int,
    count: int,
    *,
    step: str = "",
    times: int = 1,
    before: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Publish and serve in a process of its own."""
    arguments = [str(root), url, slug, str(first), str(count), str(times), step]
    command = [*before, sys.executable, "-W", "error", __file__, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kept_rows(root: Path, url: str) -> set[tuple[str, str]]:
    """Return the author and version of every point."""
    where = {"url": url, "check_compatibility": False} if url else {"path": str(root / "_local")}
    with closing(QdrantClient(**where)) as client:
        return {
            (point.payload["author"], point.payload["version"])
            for collection in client.get_collections().collections
            for point in client.scroll(collection.name, limit=10_000)[0]
        }


def assert_served(root: Path, url: str, version: str) -> None:
    """A store that opens now serves the version, and every word and number of it is right."""
    store, part = QdrantStore(root, url), version_of("ada", seed_of(version))
    assert store.serving("ada") == version
    store.verify("ada", version)
    read = store.read("ada", version)
    for name in ("documents", "chunks", "windows"):
        assert getattr(read, name) == getattr(part, name)
    assert (read.vectors == part.vectors).all()
    assert_answers(store.open({"ada": version}), part)


if __name__ == "__main__":
    folder, server, author, first_seed, number, size, killed_at = sys.argv[1:]
    if killed_at:
        step = STEPS[killed_at]
        setattr(step.owner, step.name, step.faulty(kill_myself))
    publishing = QdrantStore(Path(folder), server)
    for current in range(int(first_seed), int(first_seed) + int(number)):
        publish_and_serve(publishing, author, current, int(size))
        publishing.prune(author, KEPT)
