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


Tags = Mapping[str, str]


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
    ) -> None:
        """Read the latest event of every partition.

        Args:
            instance: the home's Dagster instance.
            assets: in the data's order.
            settings: the settings.
            stores: the index backends by the name of their asset.
            authors: the partitions that will be asked for; None for all.
        """
        self._instance = instance
        self._settings = settings
        self._stores = stores
        self._code_version: dict[str, str] = {}
        self._inputs: dict[str, list[str]] = {}
        self._latest: dict[str, Mapping[str, Materialization]] = {}
        self._refused = {i for index in stores for i in refused_materializations(instance, index)}
        for asset in assets:
            name = asset.key.to_user_string()
            self._code_version[name] = asset.code_versions_by_key.get(asset.key) or ""
            self._inputs[name] = [key.to_user_string() for key in asset.asset_deps[asset.key]]
            self._latest[name] = latest_by_author(instance, name, authors)

    def tags(self, asset: str, author: str) -> Tags | None:
        """Return the latest materialization's tags, or None when there is none."""
        latest = self._latest[asset].get(author)
        return latest.tags if latest else None

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
        tags = self.tags(asset, author)
        if tags is None:
            return "never materialized"
        if tags.get(CODE_VERSION) != self._code_version[asset]:
            return "its code or settings changed"
        if asset == "raw_documents" and tags.get(REVISION) != str(revision):
            return "new raw documents"
        for source in self._inputs[asset]:
            upstream = self.tags(source, author) or {}
            if tags.get(INPUT_DATA_VERSION + source) != upstream.get(DATA_VERSION):
                return f"{source} changed"
        return self._storage_reason(asset, author, tags)

    def _storage_reason(self, asset: str, author: str, tags: Tags) -> str | None:
        """Say what is wrong with what the asset left on disk, if anything."""
        if asset in _WITH_FILE:
            path = artifact_path(self._settings.artifacts_path, asset, author)
            return None if is_readable(path) else "its file is missing or damaged"
        store = self._stores.get(asset)
        if store is None:
            return None
        if self._latest[asset][author].storage_id in self._refused:
            return "its check failed"
        return self._version_reason(store, author, tags.get(INDEX_VERSION, ""))

    def _version_reason(self, store: VectorStore, author: str, version: str) -> str | None:
        """Say what is wrong with the newest version, or with the one that is served instead."""
        served = store.serving(author)
        if served != version:
            if served is None or store.pinned_over(author) != version:
                return "its newest version is not served"
            if reason := why_not_served(self._instance, store, author, served):
                return f"it was rolled back to {served}, which may not answer: {reason}"
        try:
            store.verify(author, version)
        except IndexCorruptedError as error:
            return str(error)
        return None
