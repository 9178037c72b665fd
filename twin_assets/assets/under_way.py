"""Runs that have not ended, and whom they are for."""

from collections.abc import Sequence

import dagster as dg

from twin_assets.assets.failures import authors_of

_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING]
_AT_WORK = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def runs_under_way(instance: dg.DagsterInstance, job: str) -> Sequence[dg.DagsterRun]:
    """Return the job's runs that have not ended, newest first."""
    return instance.get_runs(dg.RunsFilter(job_name=job, statuses=[*_WAITING, *_AT_WORK]))


def authors_waiting(instance: dg.DagsterInstance, job: str, asset: str) -> set[str]:
    """Return the authors whose asset is made by a run of the job that has not begun.

    What is written until it begins is taken up by it.
    """
    keys = instance.get_dynamic_partitions("author")
    key = dg.AssetKey(asset)
    return {
        author
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=_WAITING))
        if run.asset_selection is None or key in run.asset_selection
        for author in authors_of(run, keys)
    }
