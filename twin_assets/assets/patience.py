"""What a server that does not answer costs: the step is tried again, and after that its run."""

import dagster as dg

RETRIES = 3
_PAUSE = 5.0  # seconds before the first, four times as many before each after it
# Dagster tries no run again that failed of a step, unless the run says so itself; how often, is in
# dagster.yaml.
_RUN_AGAIN = {"dagster/retry_on_asset_or_op_failure": "true"}


def ask_again(context: dg.OpExecutionContext, reason: str) -> dg.RetryRequested:
    """Return what has Dagster try the step again, or fail it after three times.

    A run whose step fails so is marked to be tried again: the next may find the server answering.

    Args:
        context: the step's.
        reason: what did not answer.
    """
    pause = _PAUSE * 4**context.retry_number
    if context.retry_number < RETRIES:
        context.log.warning(f"{reason} Asked again in {pause:.0f} s, {RETRIES} times at most.")
    else:
        context.instance.add_run_tags(context.run_id, _RUN_AGAIN)
    return dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=pause)
