"""The same twin with another index, an earlier time, or no language model."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from twin_assets.stores import create_store
from twin_serving.catalog import Catalog
from twin_serving.twin import Twin

_KEPT = 4  # opened indexes, each with its memory


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs: the index backend, when it was served, whether a language model answers."""

    backend: str
    as_of: datetime | None = None
    use_llm: bool = True


class Variants:
    """Opens variants of a twin, and keeps those that were used last."""

    def __init__(self, twin: Twin) -> None:
        """Make variants of this one; they share its instance, models and audit trail."""
        self._twin = twin
        self._lock = Lock()
        self._opened: OrderedDict[Variant, Twin] = OrderedDict()

    def get(self, variant: Variant) -> Twin:
        """Return the variant.

        Raises:
            BadInputError: there is no such index backend.
        """
        with self._lock:
            opened = self._opened.pop(variant, None) or self._open(variant)
            self._opened[variant] = opened  # the last one now
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        return opened

    def _open(self, variant: Variant) -> Twin:
        one = self._twin
        changes = {"index": variant.backend}
        if not variant.use_llm:
            changes["llm"] = "extractive"
        settings = one.settings.model_copy(update=changes)
        store = create_store(variant.backend, settings)
        opened = Twin(settings, Catalog(one.catalog.instance, store, variant.as_of))
        opened.audit, opened.listeners, opened.threads = one.audit, one.listeners, one.threads
        return opened
