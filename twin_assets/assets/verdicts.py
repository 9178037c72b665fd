"""What the blocking checks said of each materialization, read from the Dagster instance."""

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from twin_assets.assets.provenance import naming_version
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores import VectorStore

INDEX_CHECK = "index_holds_windows"
_HISTORY = 500  # verdicts that are looked through; older versions have long been pruned


def refused_materializations(instance: dg.DagsterInstance, index: str) -> set[int]:
    """Return the storage ids of the index's materializations that its check failed on last."""
    check = dg.AssetCheckKey(dg.AssetKey(index), INDEX_CHECK)
    records = instance.event_log_storage.get_asset_check_execution_history(check, limit=_HISTORY)
    verdicts: dict[int, bool] = {}
    for record in records:  # newest first
        event = record.event.dagster_event if record.event is not None else None
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        evaluation = event.asset_check_evaluation_data
        target = evaluation.target_materialization_data
        # the verdict without a partition is a run's over several authors, not one author's
        if target is not None and evaluation.partition is not None:
            failed = record.status == AssetCheckExecutionRecordStatus.FAILED
            verdicts.setdefault(target.storage_id, failed)
    return {storage_id for storage_id, failed in verdicts.items() if failed}


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
