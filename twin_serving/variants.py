"""The same twin with another index, earlier versions, or no language model."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from twin_assets.errors import BadInputError
from twin_assets.stores import VectorStore, create_store
from twin_serving.catalog import Catalog
from twin_serving.moments import read_moment
from twin_serving.twin import Twin

_KEPT = 4  # opened indexes, each with its memory


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs: the index backend, its versions, whether a language model answers.

    ``as_of`` has the versions answer that were served then. ``version`` has one version answer for
    its author, and for all others what is served.
    """

    backend: str
    as_of: datetime | None = None
    version: str | None = None
    use_llm: bool = True

    @classmethod
    def of(cls, backend: str, versions: str, *, use_llm: bool) -> "Variant":
        """Return the variant whose versions are said in words.

        Args:
            backend: the index backend.
            versions: an ISO 8601 date or time, the name of a version, or nothing for now.
            use_llm: whether a language model answers.
        """
        words = versions.strip()
        try:
            as_of, version = read_moment(words) if words else None, None
        except BadInputError:
            as_of, version = None, words
        return cls(backend, as_of, version, use_llm)


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
            BadInputError: there is no such index backend, or no such version in it.
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
        chosen = _chosen(store, variant.version) if variant.version else {}
        opened = Twin(settings, Catalog(one.catalog.instance, store, variant.as_of, chosen))
        opened.audit, opened.listeners, opened.threads = one.audit, one.listeners, one.threads
        return opened


def _chosen(store: VectorStore, version: str) -> Mapping[str, str]:
    """Return the version by its author."""
    for author in store.authors():
        if any(manifest.version == version for manifest in store.versions(author)):
            return {author: version}
    raise BadInputError(
        f"{version!r} is neither an ISO 8601 date, as 2026-05-31 is, nor the name of a version "
        f"that {store.name} keeps. Indexes lists the names."
    )
