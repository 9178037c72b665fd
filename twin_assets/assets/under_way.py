"""Runs that have not ended, and whom they are for."""

from collections.abc import Sequence

import dagster as dg

from twin_assets.assets.failures import authors_of

_NOT_ENDED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def runs_under_way(instance: dg.DagsterInstance, job: str) -> Sequence[dg.DagsterRun]:
    """Return the job's runs that have not ended, newest first."""
    return instance.get_runs(dg.RunsFilter(job_name=job, statuses=_NOT_ENDED))


def authors_under_way(instance: dg.DagsterInstance, job: str, asset: str) -> set[str]:
    """Return the authors whose asset is made by a run of the job that has not ended."""
    keys = instance.get_dynamic_partitions("author")
    return {
        author
        for run in runs_under_way(instance, job)
        if _makes(run, asset)
        for author in authors_of(run, keys)
    }


def everybody_under_way(instance: dg.DagsterInstance) -> set[str]:
    """Return the authors of all runs that have not ended, whatever they make."""
    keys = instance.get_dynamic_partitions("author")
    runs = instance.get_runs(dg.RunsFilter(statuses=_NOT_ENDED))
    return {author for run in runs for author in authors_of(run, keys)}


def _makes(run: dg.DagsterRun, asset: str) -> bool:
    """Tell whether the asset is among the run's.

    A run that was cut off is tried again with the same assets, but only the steps that are left.
    """
    assets, steps = run.asset_selection, run.step_keys_to_execute
    return (assets is None or dg.AssetKey(asset) in assets) and (steps is None or asset in steps)
