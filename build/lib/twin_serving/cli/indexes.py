"""What ``--index`` takes, wherever it is an option."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import BACKENDS


class Backend(StrEnum):
    """One index backend."""

    FAISS = "faiss"
    QDRANT = "qdrant"
    CHROMA = "chroma"


class Backends(StrEnum):
    """One index backend, or all."""

    FAISS = "faiss"
    QDRANT = "qdrant"
    CHROMA = "chroma"
    ALL = "all"

    @property
    def names(self) -> Sequence[str]:
        """The backends that are meant."""
        return BACKENDS if self is Backends.ALL else (self.value,)


Index = Annotated[
    Backend | None,
    typer.Option("--index", help="The index that answers; else the one that TWIN_INDEX names."),
]


def settings_for(index: Backend | None) -> TwinSettings:
    """Return the settings with this index, or with the one that they name themselves."""
    return load_settings(index=index.value) if index else load_settings()
