"""embeddings: one vector a window; only texts that the model has not read before are computed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import perf_counter

import dagster as dg
import numpy as np

from twin_assets.artifacts import (
    Location,
    Vectors,
    artifact_path,
    read_rows,
    read_vectors,
    write_vectors,
)
from twin_assets.assets.at_rest import has_file
from twin_assets.assets.chunks import windows
from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.previews import plot, row_count
from twin_assets.assets.provenance import Materialization
from twin_assets.documents import Window, digest
from twin_assets.errors import StorageError
from twin_assets.gate import vectors_are_sound
from twin_assets.plots import scatter
from twin_assets.quality import mean_shift
from twin_assets.settings import TwinSettings
from twin_assets.vector_cache import VectorCache

RATE = "windows embedded a second"  # measured in the run, of short and long ones together
EMBEDDED = "embedded"  # windows of the author that the model had not read before
_FINGERPRINT = "twin/fingerprint"
SHIFT = "twin/shift"  # of the mean vector, since the version before
WINDOWS_BEFORE = "twin/windows_before"  # in that version
# Windows that go through the model together, sorted by length: about 50 MB with their vectors.
_TOGETHER = 10_000
_SAVE_EVERY = 1024  # texts: what a killed build loses at most


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the Parquet files, whose vectors are float32 lists of the model's dimension."""

    window_id: str
    vector: list[float]


@author_asset(
    deps=[windows],
    group="embed",
    kinds={"torch", "parquet"},
    team="ml",
    code_version="1",
    pool="embedding",
    rows=_Row,
)
def embeddings(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """One normalized vector a window, made by the embedding model."""
    from twin_assets.embedding import embedder_for

    embedder = embedder_for(settings)
    has_vectors = has_file(settings)

    def is_there(made: Materialization, inputs: Sequence[Materialization]) -> bool:
        return made.tags.get(_FINGERPRINT) == embedder.fingerprint and has_vectors(made, inputs)

    run = AuthorRun(context, is_there)
    groups = _groups(settings, run.to_make)
    windows_of: dict[str, list[Window]] = {}
    vectors: dict[str, Vectors] = {}
    comparable = {
        author
        for author, made in run.before.items()
        if made.tags.get(_FINGERPRINT) == embedder.fingerprint
    }
    rate: dict[str, float] = {}
    uncounted: set[str] = set()  # embedded in this run; a text of two authors counts once

    def embed_group() -> None:
        windows_of.update(next(groups))
        texts = {w.reading_hash: w.reading for some in windows_of.values() for w in some}
        folder = settings.vectors_path
        with closing(VectorCache(folder, embedder.fingerprint, embedder.dimension)) as cache:
            vectors.update(cache.get(list(texts)))
            missing = {key: text for key, text in texts.items() if key not in vectors}
            context.log.info(f"{len(missing)} texts to embed, {len(vectors)} embedded before")
            if missing:
                embedder.warm()
                started = perf_counter()
                with _progress(context, len(missing)) as progress:
                    vectors.update(embed_missing(missing, embedder.encode, cache, progress))
                rate[RATE] = round(len(missing) / (perf_counter() - started), 1)
        uncounted.update(missing)

    def work(author: str, _: Sequence[Materialization]) -> Outcome:
        if author not in windows_of:
            windows_of.clear()
            vectors.clear()
            embed_group()
        some = windows_of[author] or _read_windows(settings, author)
        ids = [window.window_id for window in some]
        rows = np.empty((len(some), embedder.dimension), dtype=np.float32)
        for row, window in enumerate(some):
            rows[row] = vectors[window.reading_hash]
        verdict = vectors_are_sound(some, ids, rows)
        verdict.require()
        path = artifact_path(settings.artifacts_path, "embeddings", author)
        shift = _shift(path, rows) if author in comparable else {}
        write_vectors(path, ids, rows)
        hashes = {window.reading_hash for window in some}
        embedded = len(hashes & uncounted)
        uncounted.difference_update(hashes)
        return Outcome(
            data_version=digest(
                embedder.fingerprint, *(w.window_id + w.reading_hash for w in some)
            ),
            metadata={
                **row_count(some),
                "windows": len(some),
                EMBEDDED: embedded,
                "model": embedder.folder.name,
                "weights sha256": embedder.weights_sha256,
                "precision": embedder.precision,
                "dimension": embedder.dimension,
                "check": verdict.reason,
                **rate,
                "map": plot(scatter(rows), "windows on two principal components"),
            },
            tags={_FINGERPRINT: embedder.fingerprint, **shift},
        )

    return run.materialize(work)


def _shift(path: Location, vectors: Vectors) -> dict[str, str]:
    """Return how the vectors differ from those of the version before, where those are at rest."""
    try:
        _, before = read_vectors(path)
    except StorageError:
        return {}
    return {SHIFT: f"{mean_shift(before, vectors):.6f}", WINDOWS_BEFORE: str(len(before))}


def _groups(settings: TwinSettings, authors: Sequence[str]) -> Iterator[dict[str, list[Window]]]:
    """Yield neighbouring authors' windows, of as many as the model and the memory can well take.

    An author whose windows cannot be read has none here, and fails in his own turn.
    """
    group: dict[str, list[Window]] = {}
    for author in authors:
        try:
            group[author] = _read_windows(settings, author)
        except StorageError:
            group[author] = []
        if sum(map(len, group.values())) >= _TOGETHER:
            yield group
            group = {}
    if group:
        yield group


def embed_missing(
    texts: dict[str, str],
    encode: Callable[..., Vectors],
    cache: VectorCache,
    progress: Callable[[int], None],
) -> dict[str, Vectors]:
    """Return the vectors of ``texts`` by their hash, and keep them as they come.

    Args:
        texts: ``{hash: text}``.
        encode: texts to vectors, with a ``progress`` argument.
        cache: gets the vectors every 1,024 texts, so that a killed build goes on where it was.
        progress: called with the number of texts done since the last call.
    """
    # longest first, so that each slice holds texts of like length
    ordered = sorted(texts, key=lambda key: -len(texts[key]))
    made: dict[str, Vectors] = {}
    for at in range(0, len(ordered), _SAVE_EVERY):
        keys = ordered[at : at + _SAVE_EVERY]
        rows = encode([texts[key] for key in keys], progress=progress)
        fresh = dict(zip(keys, rows, strict=True))
        cache.put(fresh)
        made |= fresh
    return made


@contextmanager
def _progress(context: dg.AssetExecutionContext, total: int) -> Iterator[Callable[[int], None]]:
    """Show progress: a bar where there is a terminal, and every tenth in Dagster's log."""
    from tqdm import tqdm

    done = 0
    with tqdm(total=total, unit="window", desc="embedding", disable=None, leave=False) as bar:

        def advance(count: int) -> None:
            nonlocal done
            bar.update(count)
            before, done = done, done + count
            if done * 10 // total > before * 10 // total:
                context.log.info(f"embedded {done} of {total} windows")

        yield advance


def _read_windows(settings: TwinSettings, author: str) -> list[Window]:
    return read_rows(artifact_path(settings.artifacts_path, "windows", author), Window)
