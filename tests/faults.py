"""The steps of publishing an index version and of serving it, each of which can be made to fail.

Run as a program, it publishes and serves a version, and kills itself at the step that it is given:
``python faults.py ROOT SEED STEP``.
"""

import os
import pathlib
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from builders import partition

from twin_assets import files
from twin_assets.documents import Category
from twin_assets.stores import IndexPartition, versioned, versions
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.faiss import files as faiss_files

MIXED = ((Category.ARTICLE, 2), (Category.POST, 3), (Category.REPOSITORY, 1))


def version_of(seed: int) -> IndexPartition:
    """Return a partition whose every text and vector depends on the seed."""
    return partition(windows_of_chunks=MIXED, seed=seed, data_version=f"version-{seed}")


@dataclass(frozen=True)
class Step:
    """The ``call``-th call of ``owner.name``, counted from 1."""

    owner: Any
    name: str
    call: int = 1

    def faulty(self, fault: Callable[[], None]) -> Callable[..., Any]:
        """Return what stands in for the function: at the step it does ``fault`` instead."""
        whole = getattr(self.owner, self.name)
        calls = 0

        def function(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == self.call:
                fault()
            return whole(*args, **options)

        return function


PUBLISH_STEPS = {
    "lock": Step(versions.fcntl, "flock"),
    "make the folder": Step(pathlib.Path, "mkdir", 2),
    "write the documents": Step(faiss_files, "write_mappable", 1),
    "write the chunks": Step(faiss_files, "write_mappable", 2),
    "write the windows": Step(faiss_files, "write_rows", 1),
    "write the first rows": Step(np, "save", 1),
    "write the last vectors": Step(np, "save", 6),
    "digest the last file": Step(versioned, "file_digest", 11),
    "flush a file": Step(versions, "sync_file", 3),
    "flush the folder": Step(versions, "sync_folder", 1),
    "write the manifest": Step(pathlib.Path, "write_bytes"),
    "flush the manifest": Step(files, "sync_file", 4),
    "rename the manifest": Step(pathlib.Path, "replace", 4),
    "flush the manifest's name": Step(files, "sync_folder", 4),
    "flush the version's name": Step(versions, "sync_folder", 2),
    "flush the author's name": Step(versions, "sync_folder", 4),
}
NOTE_STEPS = {
    "write the note": Step(pathlib.Path, "write_text", 1),
    "rename the note": Step(pathlib.Path, "rename", 1),
}
SERVE_STEPS = {
    "write the pointer": Step(pathlib.Path, "write_bytes"),
    "flush the pointer": Step(files, "sync_file", 1),
    "rename the pointer": Step(pathlib.Path, "replace", 1),
    "flush the pointer's name": Step(files, "sync_folder", 1),
    **NOTE_STEPS,
}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file that this process writes grow beyond so many bytes, as on a full disk."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def flip(path: Path, at: int | None = None) -> None:
    """Flip a bit of the byte, or of the one in the middle."""
    content = bytearray(path.read_bytes())
    at = len(content) // 2 if at is None else at
    content[at] ^= 1 << at % 8
    path.write_bytes(content)


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    store = FaissStore(Path(sys.argv[1]))
    publishing, serving = PUBLISH_STEPS.get(sys.argv[3]), SERVE_STEPS.get(sys.argv[3])
    if publishing:
        setattr(publishing.owner, publishing.name, publishing.faulty(kill_myself))
    made = store.publish(version_of(int(sys.argv[2])))
    if serving:
        setattr(serving.owner, serving.name, serving.faulty(kill_myself))
    store.serve(made.author.slug, made.version)
