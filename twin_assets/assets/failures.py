"""Who failed in a run, of what, and what of the run is left for those who did not."""

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from twin_assets.assets.provenance import Materialization, latest_storage_ids, run_ids_of
from twin_assets.notifications import Failure
from twin_assets.partitions import RANGE_END, RANGE_START


def failures_of(instance: dg.DagsterInstance, run_id: str) -> list[Failure]:
    """Return the authors that failed in the run, in the order of its events.

    An asset names them in its failure's metadata; a check that blocks gives each author a verdict.
    """
    failures: list[Failure] = []
    for entry in instance.all_logs(
        run_id,
        of_type={dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION},
    ):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            said = event.asset_check_evaluation_data
            if said.partition is not None and said.blocking and not said.passed:
                reason = said.description or f"{said.check_name} failed"
                asset = said.asset_key.to_user_string()
                failures.append(Failure(said.partition, asset, reason))
        elif (data := event.step_failure_data.user_failure_data) is not None:
            value = data.metadata.get("failed")
            if isinstance(value, dg.JsonMetadataValue) and isinstance(value.data, dict):
                failures += [
                    Failure(str(author), event.step_key or "", str(reason))
                    for author, reason in value.data.items()
                ]
    return failures


def failed_authors(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Return the authors that failed in the run, each with the reason."""
    return {failure.author: failure.reason for failure in failures_of(instance, run_id)}


def failed_runs(
    instance: dg.DagsterInstance,
    asset: str,
    made: Mapping[str, Materialization],
    authors: Iterable[str] | None = None,
) -> dict[str, str]:
    """Return the run of each author whose last attempt at the asset failed, without it.

    Args:
        instance: the home's Dagster instance.
        asset: the asset's name.
        made: its latest materialization of each author.
        authors: the partitions that are asked for; None for all.
    """
    planning = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    planned = latest_storage_ids(instance, asset, authors, planning)
    unmet = {
        storage_id: author
        for author, storage_id in planned.items()
        if author not in made or made[author].storage_id < storage_id
    }
    run_of = {unmet[storage_id]: run_id for storage_id, run_id in run_ids_of(instance, unmet)}
    run_ids = list(set(run_of.values()))
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids)) if run_ids else []
    failed = {run.run_id for run in runs if run.status == dg.DagsterRunStatus.FAILURE}
    return {author: run_id for author, run_id in run_of.items() if run_id in failed}


def left_of(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """Return the assets that the run planned and did not come to, or not to a check of theirs.

    The checks of an asset are a step after it, which Dagster skips for all when it fails for one.
    """
    planned: set[str] = set()
    checked: dict[str, str] = {}  # the asset by the step of its checks
    begun: set[str] = set()
    kinds = {
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        dg.DagsterEventType.STEP_START,
    }
    for entry in instance.all_logs(run_id, of_type=kinds):
        event = entry.get_dagster_event()
        step = event.step_key or ""
        match event.event_type:
            case dg.DagsterEventType.STEP_START:
                begun.add(step)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                checked[step] = event.asset_check_planned_data.asset_key.to_user_string()
            case _ if event.asset_key is not None:
                planned.add(event.asset_key.to_user_string())
    return planned - begun | {asset for step, asset in checked.items() if step not in begun}


def authors_of(run: dg.DagsterRun, keys: Sequence[str]) -> list[str]:
    """Return the authors that the run was for, given all partition keys in their order."""
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    if first in keys and last in keys:
        return list(keys[keys.index(first) : keys.index(last) + 1])
    return [key for key in keys if key == run.tags.get("dagster/partition")]
