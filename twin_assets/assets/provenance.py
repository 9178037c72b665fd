"""Which materialization of an author's partition came from which, kept as event tags of our own.

Dagster tags an event's inputs with the last event of any partition. With two authors that is often
the other one's, so each event here is tagged with its own partition's inputs instead, under the
names that Dagster reads staleness from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import dagster as dg
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from sqlalchemy import select

from twin_assets.assets.dagster_storages import event_storage
from twin_assets.event_text import read_text
from twin_assets.stores.manifest import Upstream

DATA_VERSION = "dagster/data_version"
CODE_VERSION = "dagster/code_version"
INPUT_DATA_VERSION = "dagster/input_data_version/"
INPUT_EVENT = "dagster/input_event_pointer/"
USER_PROVIDED = "dagster/data_version_is_user_provided"
REVISION = "twin/revision"
INDEX_VERSION = "twin/index_version"
AS_BEFORE = "twin/as_before"  # the storage id of the event that is repeated: nothing had changed
MOST_VARIABLES = 500  # a statement; SQLite's oldest limit on bound variables is 999
_PAGE = 50  # events a query, where the wanted one is most often the first

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Materialization:
    """One materialization of one author's partition, as the Dagster instance recorded it."""

    asset: str
    author: str
    run_id: str
    storage_id: int
    timestamp: float
    tags: Mapping[str, str]

    @property
    def data_version(self) -> str:
        """The content's version; empty where another tool wrote the event without one."""
        return self.tags.get(DATA_VERSION, "")

    @property
    def upstream(self) -> Upstream:
        """This materialization as the input of another."""
        return Upstream(self.asset, self.run_id, self.storage_id, self.data_version)


def materializations(
    instance: dg.DagsterInstance,
    asset: str,
    author: str,
    *,
    limit: int = 1,
) -> list[Materialization]:
    """Return the newest materializations of the author's partition, newest first."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[author]),
        limit=limit,
    ).records
    return [_materialization(asset, record) for record in records]


def materialization_of(
    instance: dg.DagsterInstance, asset: str, storage_id: int
) -> Materialization | None:
    """Return the materialization with this storage id, if it is there."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), storage_ids=[storage_id]), limit=1
    ).records
    return _materialization(asset, records[0]) if records else None


def naming_version(
    instance: dg.DagsterInstance, index: str, author: str, version: str
) -> Materialization | None:
    """Return the newest materialization of the author's partition that names the index version.

    All events are looked through if need be: a version that was rolled back to may be far back.
    """
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(index), asset_partitions=[author])
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(wanted, limit=_PAGE, cursor=cursor)
        for record in page.records:
            found = _materialization(index, record)
            if found.tags.get(INDEX_VERSION) == version:
                return found
        if not page.has_more:
            return None
        cursor = page.cursor


def latest_storage_ids(
    instance: dg.DagsterInstance,
    asset: str,
    authors: Iterable[str] | None = None,
    kind: dg.DagsterEventType = dg.DagsterEventType.ASSET_MATERIALIZATION,
) -> Mapping[str, int]:
    """Return the storage id of each author's newest event of the kind of the asset: one query."""
    return instance.event_log_storage.get_latest_storage_id_by_partition(
        dg.AssetKey(asset), kind, None if authors is None else set(authors)
    )


def latest_by_author(
    instance: dg.DagsterInstance,
    asset: str,
    authors: Iterable[str] | None = None,
    known: Mapping[str, Materialization] = MappingProxyType({}),
) -> dict[str, Materialization]:
    """Return each author's newest materialization of the asset: two queries, not one an author.

    Args:
        instance: the home's Dagster instance.
        asset: the asset's name.
        authors: the partitions that are asked for; None for all.
        known: what was returned before; only what is newer is read.
    """
    storage_ids = latest_storage_ids(instance, asset, authors)
    found = {
        author: known[author]
        for author, storage_id in storage_ids.items()
        if author in known and known[author].storage_id == storage_id
    }
    newer = [storage_id for author, storage_id in storage_ids.items() if author not in found]
    event = SqlEventLogStorageTable.c
    for some in batches(sorted(newer), MOST_VARIABLES):
        query = select(event.partition, event.run_id, event.id, event.event)
        with event_storage(instance).index_connection() as connection:
            rows = connection.execute(query.where(event.id.in_(some))).all()
        for author, run_id, storage_id, serialized in rows:
            timestamp, tags = _read(serialized)
            found[author] = Materialization(asset, author, run_id, storage_id, timestamp, tags)
    return found


def _read(serialized: str) -> tuple[float, Mapping[str, str]]:
    """Return a stored materialization's time and tags, a tenth of the work of all there is in it.

    That an event read by Dagster itself says the same is tested.
    """
    entry = read_text(serialized)
    made = entry["dagster_event"]["event_specific_data"]["materialization"]
    return entry["timestamp"], made["tags"] or {}


def tags_in(serialized: str) -> Mapping[str, str]:
    """Return the tags of a stored event; none where it is no materialization."""
    said = read_text(serialized)["dagster_event"]["event_specific_data"]
    return ((said or {}).get("materialization") or {}).get("tags") or {}


def event_texts(
    instance: dg.DagsterInstance, storage_ids: Iterable[int]
) -> Iterator[tuple[int, str]]:
    """Yield the storage id and the stored text of each of the events that is there, in order."""
    event = SqlEventLogStorageTable.c
    for some in batches(sorted(storage_ids), MOST_VARIABLES):
        query = select(event.id, event.event).where(event.id.in_(some)).order_by(event.id)
        with event_storage(instance).index_connection() as connection:
            rows = connection.execute(query).all()
        yield from ((storage_id, text) for storage_id, text in rows)


def run_ids_of(
    instance: dg.DagsterInstance, storage_ids: Iterable[int]
) -> Iterator[tuple[int, str]]:
    """Yield the storage id and the run of each of the events that is there."""
    event = SqlEventLogStorageTable.c
    for some in batches(sorted(storage_ids), MOST_VARIABLES):
        with event_storage(instance).index_connection() as connection:
            rows = connection.execute(select(event.id, event.run_id).where(event.id.in_(some)))
            yield from ((storage_id, run_id) for storage_id, run_id in rows.all())


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield the items in groups of ``size``."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


def _materialization(asset: str, record: dg.EventLogRecord) -> Materialization:
    event = record.event_log_entry.asset_materialization
    return Materialization(
        asset=asset,
        author=record.partition_key or "",
        run_id=record.run_id,
        storage_id=record.storage_id,
        timestamp=record.timestamp,
        tags=dict(event.tags or {}) if event else {},
    )


def event_tags(
    data_version: str, code_version: str, inputs: Sequence[Materialization]
) -> dict[str, str]:
    """Return the tags of a new materialization that came from ``inputs``."""
    tags = {DATA_VERSION: data_version, CODE_VERSION: code_version, USER_PROVIDED: "true"}
    for source in inputs:
        tags[INPUT_DATA_VERSION + source.asset] = source.data_version
        tags[INPUT_EVENT + source.asset] = str(source.storage_id)
    return tags
