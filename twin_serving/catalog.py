"""Which index version answers for each author: one that a materialization vouches for."""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from twin_assets.assets.provenance import (
    INDEX_VERSION,
    Materialization,
    latest_by_author,
    naming_version,
)
from twin_assets.assets.verdicts import refused_materializations
from twin_assets.documents import Author
from twin_assets.errors import IndexCorruptedError, NothingServedError, StorageError
from twin_assets.home import prepare_home
from twin_assets.settings import TwinSettings
from twin_assets.stores import Snapshot, VectorStore, create_store
from twin_assets.stores.manifest import Manifest

# To capture it, Dagster starts four processes a run, which all hear Ctrl-C and tell of it.
_OWN_TERMINAL = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}
_RECHECK_SECONDS = 10.0  # how late a failed check or a wiped materialization is noticed


@dataclass(frozen=True, slots=True)
class ServedPartition:
    """An author's index version that answers, and the materialization that vouches for it."""

    author: Author
    version: str
    run_id: str
    storage_id: int
    materialized_at: str
    documents: int
    chunks: int
    windows: int


@dataclass(frozen=True, slots=True)
class Served:
    """Everything that is served at one moment, opened for search; ``faults`` are one line each."""

    backend: str
    partitions: tuple[ServedPartition, ...]
    snapshot: Snapshot
    faults: tuple[str, ...]

    def partition(self, author: str) -> ServedPartition | None:
        """Return the author's partition, if one is served."""
        return next((p for p in self.partitions if p.author.slug == author), None)


class Catalog:
    """Reads from the Dagster instance what may be served, and opens it.

    A newer version is picked up at the next question: the store tells whether a serving pointer has
    moved, and events are read only for pointers that did.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        store: VectorStore,
        as_of: datetime | None = None,
        chosen: Mapping[str, str] | None = None,
    ) -> None:
        """Serve from ``store`` what ``instance`` vouches for.

        Args:
            instance: the home's Dagster instance.
            store: the index backend.
            as_of: serve the versions that were served then; None for those that are now.
            chosen: for some authors the version to serve, whichever was served when.
        """
        self._as_of = as_of
        self._chosen = chosen or {}
        self.instance = instance
        self.store = store
        self._asset = f"{store.name}_index"
        self._lock = threading.Lock()
        self._vouchers: dict[tuple[str, str], Materialization] = {}
        self._refused: frozenset[int] = frozenset()
        self._latest: Mapping[str, Materialization] = {}
        self._recorded: frozenset[tuple[str, int]] = frozenset()
        self._checked_at = -_RECHECK_SECONDS
        self._pointers: Mapping[str, str | None] = {}
        self._stamp = ""
        self._weights: str | None = None
        self._current: Served | None = None
        self._current_key: object = None

    def served(self, weights_sha256: str | None = None) -> Served:
        """Return what is served now.

        Args:
            weights_sha256: the weights that questions are embedded with; versions made with others
                cannot be compared with them and are left out. None for those that were named last,
                so that whoever does not ask a question has nothing opened anew.

        Raises:
            NothingServedError: there is no author with a version that may be served, or a chosen
                version may not be.
        """
        with self._lock:
            try:
                served = self._read(weights_sha256)
            except IndexCorruptedError:  # a version was pruned while it was being opened
                served = self._read(weights_sha256)
        if not served.partitions:
            nothing = "No index is served yet. Import documents and run `twin build`."
            if self._as_of is not None:
                nothing = "No index was served then. Ask without --as-of, or name a later time."
            raise NothingServedError(" ".join(served.faults) or nothing)
        if any(served.partition(author) is None for author in self._chosen):
            raise NothingServedError(" ".join(served.faults))
        return served

    def _read(self, weights_sha256: str | None) -> Served:
        stamp = self.store.stamp()
        if self._check_again() or stamp != self._stamp:
            self._stamp = stamp
            self._pointers = {author: self._pointer(author) for author in self.store.authors()}
        self._weights = weights_sha256 or self._weights
        key = self._key()
        if self._current is None or key != self._current_key:
            self._current = self._open(self._pointers, self._weights)
            self._current_key = self._key()  # a refusal may have been found meanwhile
        return self._current

    def _key(self) -> tuple[object, ...]:
        return tuple(self._pointers.items()), self._refused, self._recorded, self._weights

    def _pointer(self, author: str) -> str | None:
        if author in self._chosen:
            return self._chosen[author]
        if self._as_of is None:
            return self.store.serving(author)
        return self.store.served_at(author, self._as_of)

    def _open(self, pointers: Mapping[str, str | None], weights_sha256: str | None) -> Served:
        partitions: list[ServedPartition] = []
        faults: list[str] = []
        for author, pointer in pointers.items():
            if pointer is None:
                if self._as_of is None:
                    faults.append(
                        f"The serving pointer of {author} cannot be read. "
                        f"Run `twin build --author {author}`."
                    )
                continue
            partition, reason = self._choose(author, pointer, weights_sha256)
            if partition is not None:
                partitions.append(partition)
            if reason is not None:
                faults.append(reason)
        snapshot = self.store.open({p.author.slug: p.version for p in partitions})
        return Served(self.store.name, tuple(partitions), snapshot, (*faults, *snapshot.faults))

    def _choose(
        self, author: str, pointer: str, weights_sha256: str | None
    ) -> tuple[ServedPartition | None, str | None]:
        """Return the newest version that may be served, and why a newer one may not."""
        reason: str | None = None
        candidates = self._candidates(author, pointer)
        if not candidates:
            kept = "TWIN_KEEP_VERSIONS says how many are kept."
            again = kept if self._is_exact(author) else f"Run `twin build --author {author}`."
            reason = f"The index version {pointer} of {author} is not there any more. {again}"
        for manifest in candidates:
            voucher = self._voucher(author, manifest.version)
            if voucher is None:
                which = f"version {pointer}" if author in self._chosen else "newest index"
                reason = reason or (
                    f"No materialization vouches for the {which} of {author}. "
                    f"Run `twin build --author {author}`."
                )
            elif weights_sha256 not in (None, manifest.model.weights_sha256):
                reason = reason or (
                    f"The index of {author} was made with the model {manifest.model.name}, which "
                    "is not the configured one. Run `twin build`."
                )
            else:
                try:
                    self.store.verify(author, manifest.version)
                except IndexCorruptedError as error:
                    reason = reason or str(error)
                else:
                    return _partition(manifest, voucher), reason
        return None, reason

    def _candidates(self, author: str, pointer: str) -> list[Manifest]:
        """Return the version that the pointer names, then older ones to fall back on.

        There is no falling back from what was chosen, or served at an earlier time.
        """
        versions = self.store.versions(author)
        if self._is_exact(author):
            return [m for m in versions if m.version == pointer]
        return [m for m in versions if m.version <= pointer]

    def _is_exact(self, author: str) -> bool:
        return self._as_of is not None or author in self._chosen

    def _voucher(self, author: str, version: str) -> Materialization | None:
        """Return the materialization behind the version, unless a blocking check failed on it."""
        voucher = self._vouchers.get((author, version))
        if voucher is None:
            voucher = naming_version(self.instance, self._asset, author, version)
            if voucher is not None:
                self._vouchers[author, version] = voucher
                self._refused |= self._refused_among([voucher])
        return None if voucher is None or voucher.storage_id in self._refused else voucher

    def _refused_among(self, vouchers: Iterable[Materialization]) -> frozenset[int]:
        among = [voucher.storage_id for voucher in vouchers]
        return frozenset(refused_materializations(self.instance, self._asset, among))

    def _check_again(self) -> bool:
        """Read the checks' verdicts anew, now and then; return whether it was time to."""
        due = monotonic() - self._checked_at >= _RECHECK_SECONDS
        if due:
            self._latest = latest_by_author(self.instance, self._asset, known=self._latest)
            recorded = frozenset((author, m.storage_id) for author, m in self._latest.items())
            changed = {author for author, _ in recorded ^ self._recorded}
            self._recorded = recorded
            self._vouchers = {k: v for k, v in self._vouchers.items() if k[0] not in changed}
            # of the versions that are served, all but those rolled back to are the latest
            self._vouchers |= {
                (author, made.tags.get(INDEX_VERSION, "")): made
                for author, made in self._latest.items()
                if author in changed
            }
            self._refused = self._refused_among(self._vouchers.values())
            self._checked_at = monotonic()  # if something was not read, the next question tries
        return due


def open_instance(settings: TwinSettings, *, captures: bool = True) -> dg.DagsterInstance:
    """Return the Dagster instance of the home that the settings name; make it when it is missing.

    Args:
        settings: the settings.
        captures: whether what runs in this process is captured for the UI, or writes to its own
            terminal alone.

    Raises:
        StorageError: TWIN_HOME cannot be written, or the user's own instance cannot be opened.
    """
    prepare_home(settings)
    try:
        return dg.DagsterInstance.from_ref(
            InstanceRef.from_dir(
                str(settings.dagster_home), overrides={} if captures else _OWN_TERMINAL
            )
        )
    except Exception as error:  # a storage of any kind fails in its own way, and may name passwords
        if not settings.dagster_instance:
            raise
        unset = re.findall(r'environment variable "(\w+)" which is not set', str(error))
        reason = f"{', '.join(unset)} not set" if unset else type(error).__name__
        raise StorageError(
            f"The Dagster instance of {settings.dagster_home}/dagster.yaml cannot be opened: "
            f"{reason}. See that the variables it names are right, and that its database answers."
        ) from None


def open_catalog(settings: TwinSettings, as_of: datetime | None = None) -> Catalog:
    """Return the catalog of the home and the index that the settings name.

    Args:
        settings: the settings.
        as_of: see :class:`Catalog`.

    Raises:
        StorageError: TWIN_HOME cannot be written.
    """
    return Catalog(open_instance(settings), create_store(settings.index, settings), as_of)


def _partition(manifest: Manifest, voucher: Materialization) -> ServedPartition:
    at = datetime.fromtimestamp(voucher.timestamp, UTC).isoformat(timespec="seconds")
    return ServedPartition(
        author=manifest.author,
        version=manifest.version,
        run_id=voucher.run_id,
        storage_id=voucher.storage_id,
        materialized_at=at,
        documents=manifest.documents,
        chunks=manifest.chunks,
        windows=manifest.window_count,
    )
