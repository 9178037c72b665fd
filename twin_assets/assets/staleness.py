"""Which authors' partitions are behind, from which asset on, and why: Dagster's events say."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from twin_assets.artifacts import artifact_path, is_readable
from twin_assets.assets.provenance import (
    CODE_VERSION,
    DATA_VERSION,
    INDEX_VERSION,
    INPUT_DATA_VERSION,
    REVISION,
    Materialization,
    latest_by_author,
)
from twin_assets.assets.verdicts import refused_materializations, why_not_served
from twin_assets.errors import IndexCorruptedError
from twin_assets.settings import TwinSettings
from twin_assets.stores import VectorStore

# Assets whose rows rest in an artifact file; the others rest in the raw store and the index.
_WITH_FILE = ("cleaned_documents", "chunks", "windows", "embeddings")


@dataclass(frozen=True, slots=True)
class Stale:
    """The first asset in the chain that is behind, and why."""

    asset: str
    reason: str


class Staleness:
    """A comparison of what is recorded with what there is now, for many authors at once."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        assets: Sequence[dg.AssetsDefinition],
        settings: TwinSettings,
        stores: Mapping[str, VectorStore],
        *,
        authors: Collection[str] | None = None,
        before: "Staleness | None" = None,
    ) -> None:
        """Read the latest event of every partition.

        Args:
            instance: the home's Dagster instance.
            assets: in the data's order.
            settings: the settings.
            stores: the index backends by the name of their asset.
            authors: the partitions that will be asked for; None for all.
            before: an earlier comparison, whose events are not read again.
        """
        self._instance = instance
        self._settings = settings
        self._stores = stores
        self._code_version: dict[str, str] = {}
        self._inputs: dict[str, list[str]] = {}
        self._latest: dict[str, Mapping[str, Materialization]] = {}
        self._refused: set[int] = set()
        for asset in assets:
            name = asset.key.to_user_string()
            self._code_version[name] = asset.code_versions_by_key.get(asset.key) or ""
            self._inputs[name] = [key.to_user_string() for key in asset.asset_deps[asset.key]]
            known = before._latest.get(name, {}) if before else {}
            self._latest[name] = latest_by_author(instance, name, authors, known)
            among = [made.storage_id for made in self._latest[name].values()]
            self._refused |= refused_materializations(instance, name, among)

    def latest(self, asset: str, author: str) -> Materialization | None:
        """Return the asset's latest materialization, or None when there is none."""
        return self._latest[asset].get(author)

    def all_latest(self, asset: str) -> Mapping[str, Materialization]:
        """Return the asset's latest materialization of each author who was asked for."""
        return self._latest[asset]

    def first_stale(self, author: str, revision: int, to_crawl: str | None = None) -> Stale | None:
        """Return where the author's chain is behind first, or None when all of it is current.

        Args:
            author: the partition's key.
            revision: the author's revision in the raw store now.
            to_crawl: why the author's sources are to be crawled, if they are.
        """
        if to_crawl is not None:
            return Stale("raw_documents", to_crawl)
        for asset in self._code_version:
            reason = self._reason(asset, author, revision)
            if reason is not None:
                return Stale(asset, reason)
        return None

    def _reason(self, asset: str, author: str, revision: int) -> str | None:
        latest = self.latest(asset, author)
        if latest is None:
            return "never materialized"
        tags = latest.tags
        if tags.get(CODE_VERSION) != self._code_version[asset]:
            return "its code or settings changed"
        if asset == "raw_documents" and tags.get(REVISION) != str(revision):
            return "new raw documents"
        for source in self._inputs[asset]:
            upstream = self.latest(source, author)
            made_from = upstream.tags.get(DATA_VERSION) if upstream else None
            if tags.get(INPUT_DATA_VERSION + source) != made_from:
                return f"{source} changed"
        if latest.storage_id in self._refused:
            return "its check failed"
        return self._storage_reason(asset, latest)

    def _storage_reason(self, asset: str, made: Materialization) -> str | None:
        """Say what is wrong with what the asset left on disk, if anything."""
        if asset in _WITH_FILE:
            path = artifact_path(self._settings.artifacts_path, asset, made.author)
            return None if is_readable(path) else "its file is missing or damaged"
        store = self._stores.get(asset)
        if store is None:
            return None
        return self._version_reason(store, made.author, made.tags.get(INDEX_VERSION, ""))

    def _version_reason(self, store: VectorStore, author: str, version: str) -> str | None:
        """Say what is wrong with the newest version, or with the one that is served instead."""
        served = store.serving(author)
        if served != version:
            if served is None or store.pinned_over(author) != version:
                return "its newest version is not served"
            if reason := why_not_served(self._instance, store, author, served):
                return f"it was rolled back to {served}, which may not answer: {reason}"
        try:
            store.verify_once(author, version)
        except IndexCorruptedError as error:
            return str(error)
        return None
