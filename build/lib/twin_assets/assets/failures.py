"""Who failed in a run, and who did not and may go on in another."""

from collections.abc import Sequence

import dagster as dg

from twin_assets.partitions import RANGE_END, RANGE_START


def failed_authors(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Return the authors that failed in the run, each with the reason.

    An asset names them in its failure's metadata; a check that blocks gives each author a verdict.
    """
    failed: dict[str, str] = {}
    for entry in instance.all_logs(
        run_id,
        of_type={dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION},
    ):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            verdict = event.asset_check_evaluation_data
            if verdict.partition is not None and not verdict.passed:
                failed[verdict.partition] = verdict.description or f"{verdict.check_name} failed"
        elif (data := event.step_failure_data.user_failure_data) is not None:
            entry_value = data.metadata.get("failed")
            if isinstance(entry_value, dg.JsonMetadataValue) and isinstance(entry_value.data, dict):
                failed |= {str(author): str(reason) for author, reason in entry_value.data.items()}
    return failed


def authors_of(run: dg.DagsterRun, keys: Sequence[str]) -> list[str]:
    """Return the authors that the run was for, given all partition keys in their order."""
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    if first in keys and last in keys:
        return list(keys[keys.index(first) : keys.index(last) + 1])
    return [key for key in keys if key == run.tags.get("dagster/partition")]
