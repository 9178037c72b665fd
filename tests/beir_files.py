"""A small test collection in BEIR's layout, on the disk."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCUMENTS = [
    {
        "_id": "rye",
        "title": "Rye starters",
        "text": "Rye dough wants a sour starter, because acid keeps its starch from breaking down.",
    },
    {
        "_id": "mast",
        "title": "A mast scarf",
        "text": "Epoxy cures slowly in a cold shed, so the mast scarf stayed soft for nine days.",
    },
    {
        "_id": "night",
        "title": "Night trains",
        "text": "The night train to the coast leaves at ten and carries bicycles in its last car.",
    },
]
QUERIES = [
    {"_id": "q1", "text": "Why does rye need a sour starter?"},
    {"_id": "q2", "text": "How long does epoxy cure in the cold?"},
    {"_id": "q3", "text": "Nobody judged this."},
]
JUDGEMENTS = [("q1", "rye", 2), ("q2", "mast", 1), ("q2", "night", 0)]


def write_dataset(
    folder: Path,
    documents: Sequence[Mapping[str, Any]] = DOCUMENTS,
    queries: Sequence[Mapping[str, Any]] = QUERIES,
    judgements: Sequence[tuple[str, str, int]] = JUDGEMENTS,
    *,
    qrels: str = "qrels.tsv",
) -> Path:
    """Write the collection and return its folder."""
    (folder / qrels).parent.mkdir(parents=True, exist_ok=True)
    for name, rows in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    rows = [("query-id", "corpus-id", "score"), *judgements]
    lines = ["\t".join(map(str, row)) + "\n" for row in rows]
    (folder / qrels).write_text("".join(lines), encoding="utf-8")
    return folder
