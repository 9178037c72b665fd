"""Seconds a stage from import to a served index, and Dagster's own share of them.

The baseline is the same work by plain function calls in one process: what the assets do without
Dagster. Both start from an empty home, with the embedding model loaded before either is timed.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import dagster as dg
import numpy as np
from reporting import arguments, show

from twin_assets.artifacts import artifact_path, read_rows, write_rows, write_vectors
from twin_assets.assets import chain
from twin_assets.assets.chunks import chunk_documents, window_chunks
from twin_assets.assets.cleaned import clean_author
from twin_assets.assets.embeddings import embed_missing
from twin_assets.assets.indexes import author_records, gather_partition, publish
from twin_assets.assets.raw import record_raw
from twin_assets.documents import Chunk, CleanedDocument, Window
from twin_assets.embedding import embedder_for
from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.samples import import_samples
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import create_store
from twin_assets.vector_cache import VectorCache
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build

ASSETS = [asset.key.to_user_string() for asset in chain(["faiss"])]


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        """Start at zero."""
        self.seconds: dict[str, float] = dict.fromkeys(ASSETS, 0.0)
        self._started: dict[str, float] = {}
        self._mark = perf_counter()

    def lap(self, stage: str) -> None:
        """Give the time since the last lap to the stage."""
        now = perf_counter()
        self.seconds[stage] += now - self._mark
        self._mark = now

    def event(self, event: dg.DagsterEvent) -> None:
        """Time the stage from Dagster's own events."""
        if event.step_key in self.seconds:
            if event.is_step_start:
                self._started[event.step_key] = perf_counter()
            elif event.is_step_success:
                started = self._started[event.step_key]
                self.seconds[event.step_key] += perf_counter() - started


def fill(settings: TwinSettings, file: Path | None) -> tuple[str, ...]:
    """Put the documents into the raw store, and return their authors."""
    with closing(open_raw_store(settings)) as store:
        return import_jsonl(file, store).authors if file else import_samples(store)


def by_functions(settings: TwinSettings, authors: Sequence[str]) -> tuple[dict[str, float], int]:
    """Do the work without Dagster, stage by stage; return seconds by stage and the windows."""
    embedder, watch = embedder_for(settings), Stopwatch()
    folder, index = settings.artifacts_path, create_store("faiss", settings)
    names = author_records(settings)
    windows: dict[str, list[Window]] = {}
    with closing(open_raw_store(settings)) as store:
        for author in authors:
            record_raw(store, author)
        watch.lap("raw_documents")
        for author in authors:
            documents, _ = clean_author(store, author)
            path = artifact_path(folder, "cleaned_documents", author)
            write_rows(path, CleanedDocument, documents)
        watch.lap("cleaned_documents")
    for author in authors:
        documents = read_rows(artifact_path(folder, "cleaned_documents", author), CleanedDocument)
        chunks = chunk_documents(documents, settings)
        write_rows(artifact_path(folder, "chunks", author), Chunk, chunks)
    watch.lap("chunks")
    for author in authors:
        chunks = read_rows(artifact_path(folder, "chunks", author), Chunk)
        windows[author] = window_chunks(chunks, settings)
        write_rows(artifact_path(folder, "windows", author), Window, windows[author])
    watch.lap("windows")
    texts = {w.reading_hash: w.reading for some in windows.values() for w in some}
    cache_folder = folder / "vectors"
    with closing(VectorCache(cache_folder, embedder.fingerprint, embedder.dimension)) as cache:
        vectors = embed_missing(texts, embedder.encode, cache, lambda count: None)
    for author, some in windows.items():
        rows = np.stack([vectors[window.reading_hash] for window in some])
        ids = [window.window_id for window in some]
        write_vectors(artifact_path(folder, "embeddings", author), ids, rows)
    watch.lap("embeddings")
    for author in authors:
        manifest = publish(index, gather_partition(settings, names[author], [], "bench"))
        index.serve(author, manifest.version)
    watch.lap("faiss_index")
    return watch.seconds, sum(len(some) for some in windows.values())


def by_dagster(settings: TwinSettings) -> tuple[dict[str, float], float]:
    """Do the work as `twin build` does; return seconds by stage and altogether."""
    watch = Stopwatch()
    with open_instance(settings) as instance:
        started = perf_counter()
        report = build(settings, instance, [], watch.event)
        total = perf_counter() - started
    if report.failed:
        sys.exit(f"the build failed: {report.failed}")
    return watch.seconds, total


def definitions_seconds() -> float:
    """Return how long a fresh process takes to import the code location, Dagster included."""
    started = perf_counter()
    subprocess.run([sys.executable, "-c", "import twin_assets.definitions"], check=True)
    return perf_counter() - started


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--file", type=Path, help="JSONL to build; the sample authors otherwise")
    options = parser.parse_args()
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        plain = load_settings(home=Path(first), _env_file=None)
        through = load_settings(home=Path(second), _env_file=None)
        embedder_for(plain).encode(["warm"])
        authors = fill(plain, options.file)
        functions, windows = by_functions(plain, authors)
        fill(through, options.file)
        dagster, total = by_dagster(through)
    without = sum(functions.values())
    show(
        {
            "compares": "`twin build` in Dagster with the same functions called one after another",
            "rows": [
                {"stage": name, "functions s": functions[name], "dagster s": dagster[name]}
                for name in ASSETS
            ],
            "authors": len(authors),
            "windows": windows,
            "seconds_functions": without,
            "seconds_dagster": total,
            "dagster_share": 1 - without / total,
            "definitions_load_seconds": definitions_seconds(),
        },
        ["stage", "functions s", "dagster s"],
        options.json,
    )


if __name__ == "__main__":
    main()
