"""Waiting for runs of Dagster's daemon: two at once on an author undo each other's work."""

from collections.abc import Collection
from time import sleep

import dagster as dg

from twin_assets.assets.failures import authors_of
from twin_assets.partitions import LAUNCHED_BY
from twin_serving.cli.output import say
from twin_serving.daemon import QUEUE, daemon_lives

_AT_WORK = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_PAUSE = 2.0  # seconds between two looks


def wait_for_others(instance: dg.DagsterInstance, authors: Collection[str]) -> bool:
    """Wait until no run of Dagster's is at work on one of the authors; return whether one was.

    Those in the queue are not waited for: none starts beside ours. Nor is anything while no daemon
    runs, since what a run left that died with it would be waited for in vain.
    """
    waited = False
    while (busy := _busy(instance).intersection(authors)) and daemon_lives(instance, QUEUE):
        if not waited:
            say(f"Dagster is at work on {', '.join(sorted(busy))}: waiting for that run to end.")
        waited = True
        sleep(_PAUSE)
    return waited


def _busy(instance: dg.DagsterInstance) -> set[str]:
    keys = instance.get_dynamic_partitions("author")
    runs = instance.get_runs(dg.RunsFilter(statuses=_AT_WORK))
    return {a for run in runs if LAUNCHED_BY not in run.tags for a in authors_of(run, keys)}
