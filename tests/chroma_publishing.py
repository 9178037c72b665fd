"""Versions in Chroma for tests: publishing them, in this process or another, and looking at them.

Run as a program, with the arguments that ``start`` gives it, it publishes and serves versions one
after another, and kills itself at the step. A version's name ends with its seed, on which its every
text and vector depends.
"""

import pathlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from builders import partition
from faults import Step, kill_myself

from twin_assets.documents import Author, Category
from twin_assets.stores import IndexPartition, Snapshot
from twin_assets.stores.chroma import ChromaStore
from twin_assets.stores.chroma import rows as chroma_rows
from twin_assets.stores.chroma.database import ChromaDatabase

KEPT = 4
MIXED = [(Category.ARTICLE, 2), (Category.POST, 3), (Category.REPOSITORY, 1)] * 2
STEPS = {
    "write the first windows": Step(chroma_rows, "_add", 1),
    "write the last documents": Step(chroma_rows, "_add", 6),
    "rename the manifest": Step(pathlib.Path, "replace", 1),
}


def version_of(slug: str, seed: int, times: int = 1) -> IndexPartition:
    author = Author(slug, slug.title())
    return partition(author, MIXED * times, seed=seed, data_version=f"{seed:08d}")


def seed_of(version: str) -> int:
    return int(version[-8:])


def publish_and_serve(store: ChromaStore, slug: str, seed: int, times: int = 1) -> str:
    version = store.publish(version_of(slug, seed, times)).version
    store.serve(slug, version)
    return version


def start(
    root: Path,
    url: str,
    slug: str,
    first: int,
    count: int,
    *,
    times: int = 1,
    step: str = "",
    before: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Publish and serve in a process of its own."""
    program = [*before, sys.executable, __file__]
    arguments = [str(root), url, slug, str(first), str(count), str(times), step]
    return subprocess.Popen(
        [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_for(process: subprocess.Popen[bytes], code: int = 0) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output.decode()
    return output.decode()


def kept_rows(root: Path, url: str) -> set[tuple[object, object]]:
    """Return the author and version of every record in Chroma."""
    with ChromaDatabase(root / "_database", url, None).session() as client:
        return {
            (metadata["author"], metadata["version"])
            for collection in chroma_rows.collections_of(client).values()
            for metadata in collection.get(include=["metadatas"])["metadatas"] or []
        }


def assert_answers(snapshot: Snapshot, part: IndexPartition) -> None:
    """All of the version is found, and nothing else of its author, in every way of searching."""
    slug = part.author.slug
    for category in Category:
        chunks = {chunk.chunk_id: chunk for chunk in part.chunks if chunk.category is category}
        for author in (None, slug):
            for hits in snapshot.search(part.vectors[:2], category, 9, author):
                mine = [hit for hit in hits if hit.chunk.author == slug]
                assert {hit.chunk.chunk_id: hit.chunk for hit in mine} == chunks
                assert all(snapshot.document(hit.chunk) in part.documents for hit in mine)


def assert_served(root: Path, url: str, version: str) -> None:
    store, part = ChromaStore(root, url), version_of("ada", seed_of(version))
    assert store.serving("ada") == version
    store.verify("ada", version)
    read = store.read("ada", version)
    for field in ("documents", "chunks", "windows"):
        assert getattr(read, field) == getattr(part, field)
    assert (read.vectors == part.vectors).all()
    assert_answers(store.open({"ada": version}), part)


if __name__ == "__main__":
    folder, server, author, first_seed, number, size, killed_at = sys.argv[1:]
    if killed_at:
        step = STEPS[killed_at]
        setattr(step.owner, step.name, step.faulty(kill_myself))
    publishing = ChromaStore(Path(folder), server)
    for current in range(int(first_seed), int(first_seed) + int(number)):
        publish_and_serve(publishing, author, current, int(size))
        publishing.prune(author, KEPT)
