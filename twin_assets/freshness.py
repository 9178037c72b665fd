"""How old data may be: a crawl that was missed is a warning in the Dagster UI, two are a fault."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import dagster as dg
from dagster._utils.schedules import cron_string_iterator

_TICKS = 100  # that the longest pause of a schedule is looked for in
_RUN = timedelta(hours=6)  # that a nightly run may take, and wait for others


def with_freshness(
    assets: Sequence[dg.AssetsDefinition], schedules: Mapping[str, str]
) -> list[dg.AssetsDefinition]:
    """Return the assets, those that a schedule makes with a policy of how old they may be.

    What is made of the raw documents has none: an author who writes nothing leaves it as it is.

    Args:
        assets: those of the code location.
        schedules: the cron schedule of each asset that has one.
    """
    policies = {asset: _policy(cron) for asset, cron in schedules.items()}

    def dated(spec: dg.AssetSpec) -> dg.AssetSpec:
        policy = policies.get(spec.key.to_user_string())
        return spec if policy is None else spec.replace_attributes(freshness_policy=policy)

    return [asset.map_asset_specs(dated) for asset in assets]


def _policy(cron: str) -> dg.FreshnessPolicy:
    pause = longest_pause(cron)
    return dg.FreshnessPolicy.time_window(fail_window=2 * pause + _RUN, warn_window=pause + _RUN)


def longest_pause(cron: str) -> timedelta:
    """Return the longest time between two ticks of the schedule, among a hundred."""
    ticks = islice(cron_string_iterator(datetime.now(UTC).timestamp(), cron, "UTC"), _TICKS)
    return max(after - before for before, after in pairwise(ticks))
