"""What an index version says of itself."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twin_assets.documents import Author, Category
from twin_assets.errors import IndexCorruptedError

FORMAT = 3


@dataclass(frozen=True, slots=True)
class Model:
    """The model that made the vectors."""

    name: str
    weights_sha256: str
    precision: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Upstream:
    """The materialization of an upstream asset, in the same partition, that a version came from."""

    asset: str
    run_id: str
    storage_id: int
    data_version: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version holds and where it came from. ``files`` are SHA-256 digests by name."""

    version: str
    created_at: str
    author: Author
    documents: int
    chunks: int
    windows: Mapping[Category, int]
    model: Model
    chunking: Mapping[str, int]
    data_version: str
    run_id: str
    upstream: tuple[Upstream, ...]
    files: Mapping[str, str]
    format: int = FORMAT

    @property
    def window_count(self) -> int:
        """Windows of all categories."""
        return sum(self.windows.values())


def refuse_different_models(manifests: Iterable[Manifest]) -> None:
    """Refuse versions whose vectors cannot be compared.

    Raises:
        IndexCorruptedError: they come from different embedding models.
    """
    if len({(m.model.weights_sha256, m.model.dimension) for m in manifests}) > 1:
        raise IndexCorruptedError(
            "The served index versions come from different embedding models. "
            "Run `twin build` so that all come from the configured one."
        )


def file_digest(path: Path) -> str:
    """Return the file's SHA-256 hex digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
