"""Declarative automation: an asset follows its inputs wherever nobody else lets it."""

from collections.abc import Collection, Sequence

import dagster as dg

_ON = dg.AutomationCondition


def follows_its_inputs() -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """Return the condition under which Dagster requests an author's partition by itself.

    An input's data version has changed since the partition was last made or requested: somebody
    materialized the input alone. It stops where the data version stops changing. Whoever is in a
    run, or failed in one, is left to the owner of that run (see :mod:`twin_assets.sensors`), and
    nothing is made of what a blocking check refused.
    """
    input_changed = _ON.any_deps_match(_ON.data_version_changed() | _ON.will_be_requested())
    # Within one run Dagster itself stops what follows a blocking check that fails.
    inputs_checked = _ON.all_deps_match(
        _ON.all_checks_match(_ON.check_passed(), blocking_only=True) | _ON.will_be_requested()
    )
    return (
        input_changed.with_label("an input's data version changed").since_last_handled()
        & ~_ON.any_deps_missing()
        & ~_ON.any_deps_in_progress()
        & ~_ON.in_progress()
        & ~_ON.execution_failed()
        & inputs_checked.with_label("blocking checks of its inputs passed")
    ).with_label("follows its inputs")


def with_automation(
    assets: Sequence[dg.AssetsDefinition], followers: Collection[dg.AssetKey]
) -> list[dg.AssetsDefinition]:
    """Return the assets, those among the followers with :func:`follows_its_inputs`."""
    conditions = dict.fromkeys(followers, follows_its_inputs())
    return [asset.with_attributes(automation_condition=conditions) for asset in assets]


def build_automation_sensor(
    followers: Collection[dg.AssetKey],
) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that evaluates the conditions; several authors become one backfill."""
    return dg.AutomationConditionSensorDefinition(
        "follow_changed_inputs",
        target=dg.AssetSelection.assets(*followers),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Requests what is made of an input that was materialized alone and changed.",
    )
