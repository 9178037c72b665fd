"""Whether Dagster's daemon is at work."""

from time import time

import dagster as dg

SENSORS, QUEUE = "SENSOR", "QUEUED_RUN_COORDINATOR"  # its parts, by the names that it gives them

_ALIVE_SECONDS = 120.0  # since the last sign of life, which each part gives every 30


def daemon_lives(instance: dg.DagsterInstance, part: str) -> bool:
    """Tell whether a part of the daemon has given a sign of life in the last two minutes."""
    beat = instance.get_daemon_heartbeats().get(part)
    return beat is not None and time() - beat.timestamp < _ALIVE_SECONDS
