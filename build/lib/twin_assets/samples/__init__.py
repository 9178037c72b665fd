"""Three invented authors, so that a fresh install has something to answer about."""

from pathlib import Path

from twin_assets.raw_store import RawStore
from twin_assets.raw_store.jsonl import import_jsonl


def import_samples(store: RawStore) -> tuple[str, ...]:
    """Import the sample authors, registered as samples, and return their slugs.

    Raises:
        StorageError: the store cannot be written.
    """
    files = sorted(Path(__file__).parent.glob("*.jsonl"))
    return tuple(slug for file in files for slug in import_jsonl(file, store, sample=True).authors)
