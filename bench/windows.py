"""Long chunks: what embedding every window of a chunk finds, and what the first window alone does.

Files of about 1,400 tokens, a chunk each, whose one telling sentence stands in the last third.
"""

import sys
from pathlib import Path
from statistics import mean

import numpy as np
from reporting import arguments, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from long_chunks import long_files, reciprocal_ranks

from twin_assets.assets.chunks import chunk_documents, window_chunks
from twin_assets.cleaning import clean
from twin_assets.documents import CleanedDocument
from twin_assets.embedding import embedder_for
from twin_assets.settings import load_settings


def measure(count: int) -> list[dict[str, object]]:
    """Return recall@3 and MRR of both ways, by vectors alone."""
    settings = load_settings(_env_file=None)
    embedder = embedder_for(settings)
    files = long_files(count)
    cleaned = [clean(file.document) for file in files]
    documents = [document for document in cleaned if isinstance(document, CleanedDocument)]
    chunks = chunk_documents(documents, settings)
    windows = window_chunks(chunks, settings)
    owners = {chunk.chunk_id: chunk.document_id for chunk in chunks}
    vectors = embedder.encode([window.reading for window in windows])
    asked = embedder.encode([file.question for file in files])
    expected = [file.document.document_id for file in files]
    rows: list[dict[str, object]] = []
    for name, places in (
        ("first window of each chunk", [at for at, w in enumerate(windows) if w.start == 0]),
        ("every window", list(range(len(windows)))),
    ):
        order = np.argsort(-(asked @ vectors[places].T), axis=1)
        rankings = [
            list(dict.fromkeys(owners[windows[places[at]].chunk_id] for at in line))
            for line in order.tolist()
        ]
        ranks = reciprocal_ranks(rankings, expected)
        rows.append(
            {
                "embedded": name,
                "windows": len(places),
                "recall@1": mean(rank == 1 for rank in ranks),
                "recall@3": mean(rank >= 1 / 3 for rank in ranks),
                "MRR": mean(ranks),
            }
        )
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--files", type=int, default=36)
    options = parser.parse_args()
    rows = measure(options.files)
    show(
        {
            "compares": "vectors of every window with vectors of each chunk's first 254 tokens",
            "rows": rows,
            "files": options.files,
        },
        list(rows[0]),
        options.json,
    )


if __name__ == "__main__":
    main()
