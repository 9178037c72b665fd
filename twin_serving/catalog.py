"""Which index version answers for each author: one that a materialization vouches for."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from twin_assets.assets.provenance import INDEX_VERSION, Materialization, materializations
from twin_assets.documents import Author
from twin_assets.errors import IndexCorruptedError, NothingServedError
from twin_assets.home import prepare_home
from twin_assets.settings import TwinSettings
from twin_assets.stores import Snapshot, VectorStore, create_store
from twin_assets.stores.manifest import Manifest

CHECK = "index_holds_windows"
_RECHECK_SECONDS = 10.0  # how late a check that failed after the fact is noticed
_HISTORY = 50  # events looked through for the one that vouches for a rolled-back version


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

    A newer version is picked up at the next question: the serving pointers are read each time, and
    events only for pointers that moved.
    """

    def __init__(self, instance: dg.DagsterInstance, store: VectorStore) -> None:
        """Serve from ``store`` what ``instance`` vouches for."""
        self._instance = instance
        self._store = store
        self._lock = threading.Lock()
        self._vouchers: dict[tuple[str, str], Materialization] = {}
        self._refused: Mapping[str, int] = {}
        self._refused_read_at = -_RECHECK_SECONDS
        self._current: Served | None = None
        self._current_key: object = None

    def served(self) -> Served:
        """Return what is served now.

        Raises:
            NothingServedError: there is no author with a version that may be served.
        """
        with self._lock:
            pointers = {author: self._store.serving(author) for author in self._store.authors()}
            key = (tuple(pointers.items()), self._refused_now())
            if self._current is None or key != self._current_key:
                self._current = self._open(pointers)
                self._current_key = key
            served = self._current
        if not served.partitions:
            faults = " ".join(served.faults)
            raise NothingServedError(
                faults or "No index is served yet. Import documents and run `twin build`."
            )
        return served

    def _open(self, pointers: Mapping[str, str | None]) -> Served:
        partitions: list[ServedPartition] = []
        faults: list[str] = []
        for author, pointer in pointers.items():
            if pointer is None:
                continue
            for manifest in self._candidates(author, pointer):
                voucher = self._voucher(author, manifest.version)
                if voucher is None:
                    continue
                try:
                    self._store.verify(author, manifest.version)
                except IndexCorruptedError as error:
                    faults.append(str(error))
                    continue
                partitions.append(_partition(manifest, voucher))
                break
            else:
                if not any(author in fault for fault in faults):
                    faults.append(
                        f"No materialization vouches for the index of {author}. "
                        f"Run `twin build --author {author}`."
                    )
        snapshot = self._store.open({p.author.slug: p.version for p in partitions})
        return Served(self._store.name, tuple(partitions), snapshot, tuple(faults))

    def _candidates(self, author: str, pointer: str) -> list[Manifest]:
        """Return the version that the pointer names, then older ones to fall back on."""
        return [m for m in self._store.versions(author) if m.version <= pointer]

    def _voucher(self, author: str, version: str) -> Materialization | None:
        """Return the materialization behind the version, unless a blocking check failed on it."""
        voucher = self._vouchers.get((author, version))
        if voucher is None:
            for event in materializations(self._instance, "faiss_index", author, limit=_HISTORY):
                if event.tags.get(INDEX_VERSION) == version:
                    voucher = self._vouchers[author, version] = event
                    break
        if voucher is None or self._refused.get(author) == voucher.storage_id:
            return None
        return voucher

    def _refused_now(self) -> tuple[tuple[str, int], ...]:
        """Return, by author, the materialization that the index check failed on last."""
        if monotonic() - self._refused_read_at >= _RECHECK_SECONDS:
            self._refused_read_at = monotonic()
            key = dg.AssetCheckKey(dg.AssetKey("faiss_index"), CHECK)
            self._refused = {
                info.partition_key: info.latest_target_materialization_storage_id
                for info in self._instance.event_log_storage.get_asset_check_partition_info([key])
                if info.partition_key is not None
                and info.latest_target_materialization_storage_id is not None
                and info.latest_execution_status == AssetCheckExecutionRecordStatus.FAILED
            }
        return tuple(sorted(self._refused.items()))


def open_instance(settings: TwinSettings) -> dg.DagsterInstance:
    """Return the Dagster instance of the home that the settings name; make it when it is missing.

    Raises:
        StorageError: TWIN_HOME cannot be written.
    """
    prepare_home(settings)
    return dg.DagsterInstance.from_config(str(settings.dagster_home))


def open_catalog(settings: TwinSettings) -> Catalog:
    """Return the catalog of the home that the settings name.

    Raises:
        StorageError: TWIN_HOME cannot be written.
    """
    return Catalog(open_instance(settings), create_store("faiss", settings))


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
