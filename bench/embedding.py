"""Our embedding path against SentenceTransformer.encode with its defaults, over the same windows.

The baseline is sentence-transformers itself: the same weights, float32, batches of 32. The two take
turns within one run, so that what else the machine does falls on both; each figure is the median.
"""

import statistics
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from reporting import arguments, show

from twin_assets.artifacts import Vectors
from twin_assets.assets.chunks import chunk_documents, window_chunks
from twin_assets.assets.cleaned import clean_author
from twin_assets.embedding import embedder_for
from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.samples import import_samples
from twin_assets.settings import load_settings


def windows_of(file: Path | None) -> list[str]:
    """Return the windows' texts of the file's documents, or of the sample authors'."""
    with TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder), _env_file=None)
        with closing(open_raw_store(settings)) as store:
            authors = import_jsonl(file, store).authors if file else import_samples(store)
            documents = [d for author in authors for d in clean_author(store, author)[0]]
        windows = window_chunks(chunk_documents(documents, settings), settings)
    return sorted({window.reading for window in windows})


def timed(function: Callable[[], Vectors]) -> tuple[float, Vectors]:
    """Return the seconds that the function took, and its result."""
    started = perf_counter()
    result = function()
    return perf_counter() - started, result


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--file", type=Path, help="JSONL to embed; the sample authors otherwise")
    parser.add_argument("--limit", type=int, default=400, help="windows at most (default 400)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each path (default 3)")
    options = parser.parse_args()

    from sentence_transformers import SentenceTransformer

    texts = windows_of(options.file)
    step = max(1, len(texts) // options.limit)
    texts = texts[::step][: options.limit]  # spread over the documents
    embedder = embedder_for(load_settings())
    baseline = SentenceTransformer(str(embedder.folder.path))
    embedder.encode(texts[:8])
    baseline.encode(texts[:8], show_progress_bar=False)

    seconds: dict[str, list[float]] = {"baseline": [], "twin": []}
    for _ in range(options.rounds):
        spent, expected = timed(
            lambda: baseline.encode(
                texts, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
            )
        )
        seconds["baseline"].append(spent)
        spent, vectors = timed(lambda: embedder.encode(texts))
        seconds["twin"].append(spent)
    cosine = np.sum(expected * vectors, axis=1)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    show(
        {
            "compares": "twin_assets.embedding with SentenceTransformer.encode and its defaults",
            "rows": [
                {
                    "path": name,
                    "precision": precision,
                    "seconds": median[name],
                    "windows/s": len(texts) / median[name],
                }
                for name, precision in (("baseline", "float32"), ("twin", embedder.precision))
            ],
            "windows": len(texts),
            "ratio": median["baseline"] / median["twin"],
            "ratios": [b / t for b, t in zip(seconds["baseline"], seconds["twin"], strict=True)],
            "minimum_cosine": float(cosine.min()),
            "mean_cosine": float(cosine.mean()),
        },
        ["path", "precision", "seconds", "windows/s"],
        options.json,
    )


if __name__ == "__main__":
    main()
