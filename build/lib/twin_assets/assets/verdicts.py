"""What the blocking checks said of each materialization, read from the Dagster instance."""

from collections.abc import Iterator, Set

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from twin_assets.assets.provenance import naming_version
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import VectorStore

INDEX_CHECK = "index_holds_windows"
_FAILED = AssetCheckExecutionRecordStatus.FAILED
_GIVEN = {_FAILED, AssetCheckExecutionRecordStatus.SUCCEEDED}
_PAGE = 500  # verdicts a query


def refused_materializations(instance: dg.DagsterInstance, index: str) -> set[int]:
    """Return the storage ids of the index's materializations that its check failed on last."""
    oldest: dict[str, int] = {}  # failed verdict of each author who has one: few have
    for record in _verdicts(instance, index, {_FAILED}):
        if record.partition is not None:
            oldest[record.partition] = record.id
    refused: set[int] = set()
    for author, first in oldest.items():
        failed: dict[int, bool] = {}
        for record in _verdicts(instance, index, _GIVEN, author):
            if record.id < first:
                break
            target = record.evaluation and record.evaluation.target_materialization_data
            if target:
                is_failed = record.status is _FAILED
                failed.setdefault(target.storage_id, is_failed)
        refused |= {storage_id for storage_id, is_failed in failed.items() if is_failed}
    return refused


def _verdicts(
    instance: dg.DagsterInstance,
    index: str,
    statuses: Set[AssetCheckExecutionRecordStatus],
    author: str | None = None,
) -> Iterator[AssetCheckExecutionRecord]:
    """Yield the verdicts on the index, newest first: all there are, of one author if it is named.

    The verdict without a partition is a run's over several authors, not one author's.
    """
    check = dg.AssetCheckKey(dg.AssetKey(index), INDEX_CHECK)
    cursor: int | None = None
    while True:
        page = instance.event_log_storage.get_asset_check_execution_history(
            check,
            limit=_PAGE,
            cursor=cursor,
            status=statuses,
            partition_filter=PartitionKeyFilter(key=author) if author else None,
        )
        yield from page
        if len(page) < _PAGE:
            return
        cursor = page[-1].id


def why_not_served(
    instance: dg.DagsterInstance, store: VectorStore, author: str, version: str
) -> str | None:
    """Return why the published version may not answer, or None when it may."""
    index = f"{store.name}_index"
    voucher = naming_version(instance, index, author, version)
    if voucher is None:
        return "no materialization vouches for it"
    if voucher.storage_id in refused_materializations(instance, index):
        return "its check failed"
    try:
        store.verify(author, version)
    except IndexCorruptedError as error:
        return str(error)
    return None
