"""embeddings: one vector a window; only texts that the model has not read before are computed."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import perf_counter

import dagster as dg
import numpy as np

from twin_assets.artifacts import Vectors, artifact_path, read_rows, write_vectors
from twin_assets.assets.chunks import windows
from twin_assets.assets.materialize import Outcome, author_asset, materialize_each
from twin_assets.assets.provenance import Materialization
from twin_assets.documents import Window, digest
from twin_assets.errors import StorageError
from twin_assets.gate import vectors_are_sound
from twin_assets.settings import TwinSettings
from twin_assets.vector_cache import VectorCache

_SAVE_EVERY = 1024  # texts: what a killed build loses at most


@author_asset(
    deps=[windows], group="embed", kinds={"torch", "parquet"}, team="ml", code_version="1"
)
def embeddings(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """One normalized vector a window, made by the embedding model."""
    from twin_assets.embedding import embedder_for

    embedder = embedder_for(settings)
    # The windows of the whole run go through the model together, sorted by length. An author whose
    # windows cannot be read is passed over here and fails in his own turn below.
    of_author: dict[str, list[Window]] = {}
    for author in context.partition_keys:
        try:
            of_author[author] = _read_windows(settings, author)
        except StorageError:
            continue
    texts = {window.reading_hash: window.reading for some in of_author.values() for window in some}
    started = perf_counter()
    cache_folder = settings.vectors_path
    with closing(VectorCache(cache_folder, embedder.fingerprint, embedder.dimension)) as cache:
        vectors = cache.get(list(texts))
        missing = {key: text for key, text in texts.items() if key not in vectors}
        context.log.info(f"{len(missing)} texts to embed, {len(vectors)} embedded before")
        with _progress(context, len(missing)) as progress:
            vectors |= embed_missing(missing, embedder.encode, cache, progress)
    seconds = perf_counter() - started

    def work(author: str, _: list[Materialization]) -> Outcome:
        some = of_author.get(author) or _read_windows(settings, author)
        ids = [window.window_id for window in some]
        rows = np.empty((len(some), embedder.dimension), dtype=np.float32)
        for row, window in enumerate(some):
            rows[row] = vectors[window.reading_hash]
        verdict = vectors_are_sound(some, ids, rows)
        verdict.require()
        path = artifact_path(settings.artifacts_path, "embeddings", author)
        write_vectors(path, ids, rows)
        return Outcome(
            data_version=digest(
                embedder.fingerprint, *(w.window_id + w.reading_hash for w in some)
            ),
            metadata={
                "windows": len(some),
                "embedded": len({w.reading_hash for w in some} & missing.keys()),
                "embedded in this run": len(missing),
                "model": embedder.folder.name,
                "weights sha256": embedder.weights_sha256,
                "precision": embedder.precision,
                "dimension": embedder.dimension,
                "seconds in this run": round(seconds, 3),
                "check": verdict.reason,
            },
        )

    return materialize_each(context, work)


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
