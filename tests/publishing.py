"""Versions published and served for tests, in this process or another, and looked at.

A module that names a backend's steps runs ``main`` as a program: it publishes and serves versions
one after another, and kills itself at the step. A version's name ends with its seed, on which its
every text and vector depends.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from builders import partition
from faults import Step, kill_myself

from twin_assets.documents import Author, Category
from twin_assets.stores import IndexPartition, Snapshot, VectorStore

KEPT = 4
MIXED = [(Category.ARTICLE, 2), (Category.POST, 3), (Category.REPOSITORY, 1)] * 2

MakeStore = Callable[[Path, str], VectorStore]


@dataclass(frozen=True)
class Backend:
    """A store below a folder, or on a server, and the module that publishes to it."""

    module: ModuleType
    root: Path
    url: str

    def store(self) -> VectorStore:
        opened: VectorStore = self.module.make_store(self.root, self.url)
        return opened

    def kept_rows(self) -> set[tuple[object, object]]:
        rows: set[tuple[object, object]] = self.module.kept_rows(self.root, self.url)
        return rows


def version_of(slug: str, seed: int, times: int = 1) -> IndexPartition:
    author = Author(slug, slug.title())
    return partition(author, MIXED * times, seed=seed, data_version=f"{seed:08d}")


def seed_of(version: str) -> int:
    return int(version[-8:])


def publish_and_serve(store: VectorStore, slug: str, seed: int, times: int = 1) -> str:
    version = store.publish(version_of(slug, seed, times)).version
    store.serve(slug, version)
    return version


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


def assert_reads(store: VectorStore, version: str, part: IndexPartition) -> None:
    """The version is the partition, the windows of a category together or not."""
    read = store.read(part.author.slug, version)
    assert (read.documents, read.chunks) == (part.documents, part.chunks)
    row_of = {window: row for row, window in enumerate(part.windows)}
    assert set(read.windows) == set(row_of)
    assert (read.vectors == part.vectors[[row_of[window] for window in read.windows]]).all()


def assert_serves(store: VectorStore, version: str) -> None:
    """The store serves Ada's version, and every word and number of it is right."""
    part = version_of("ada", seed_of(version))
    assert store.serving("ada") == version
    store.verify("ada", version)
    assert_reads(store, version, part)
    assert_answers(store.open({"ada": version}), part)


def start_program(
    program: str,
    root: Path,
    url: str,
    slug: str,
    *seeds: int,
    times: int = 1,
    step: str = "",
    before: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Publish and serve in a process of its own, by a module that runs ``main``.

    ``seeds`` are the first version's, and how many versions follow from it on.
    """
    arguments = [str(root), url, slug, *map(str, seeds), str(times), step]
    command = [*before, sys.executable, "-W", "error", program, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for(process: subprocess.Popen[bytes], code: int = 0) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output.decode()
    return output.decode()


def main(make_store: MakeStore, steps: Mapping[str, Step]) -> None:
    """Do what the arguments that ``start_program`` gives say."""
    root, url, slug, first, count, times, killed_at = sys.argv[1:]
    if killed_at:
        step = steps[killed_at]
        setattr(step.owner, step.name, step.faulty(kill_myself))
    store = make_store(Path(root), url)
    for seed in range(int(first), int(first) + int(count)):
        publish_and_serve(store, slug, seed, int(times))
        store.prune(slug, KEPT)
