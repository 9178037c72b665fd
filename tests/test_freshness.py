"""How old data may be, and what Dagster makes of it."""

import asyncio
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time
from dagster._time import get_current_datetime

from twin_assets.definitions import build_definitions
from twin_assets.freshness import longest_pause
from twin_assets.settings import TwinSettings


def policies(settings: TwinSettings) -> dict[str, dg.FreshnessPolicy]:
    nodes = build_definitions(settings).resolve_asset_graph().asset_nodes
    found = {node.key.to_user_string(): node.freshness_policy for node in nodes}
    return {name: policy for name, policy in found.items() if policy is not None}


@pytest.mark.parametrize(
    ("cron", "hours"),
    [("0 5 * * *", 24), ("0 * * * *", 1), ("0 5 * * 1-5", 72), ("0 5 * * 1", 168)],
)
def test_a_schedule_s_longest_pause(cron: str, hours: int) -> None:
    assert longest_pause(cron) == timedelta(hours=hours)


def test_what_is_made_by_a_schedule_has_a_policy(settings: TwinSettings) -> None:
    assert policies(settings).keys() == {"raw_documents", "faiss_ivf"}
    assert policies(settings)["raw_documents"] == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=54), warn_window=timedelta(hours=30)
    )
    never = settings.model_copy(update={"crawl_schedule": "off"})
    assert policies(never).keys() == {"faiss_ivf"}
    elsewhere = settings.model_copy(update={"index": "qdrant"})
    assert policies(elsewhere).keys() == {"raw_documents"}


@pytest.mark.postgres_too
@pytest.mark.parametrize(("asset", "author"), [("raw_documents", "ada"), ("faiss_ivf", None)])
def test_a_crawl_or_a_build_that_was_missed_is_noticed(
    settings: TwinSettings, instance: dg.DagsterInstance, asset: str, author: str | None
) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    node = graph.get(dg.AssetKey(asset))

    def state(hours: int) -> FreshnessState:
        with freeze_time(get_current_datetime() + timedelta(hours=hours)):
            evaluate = TimeWindowFreshnessPolicyEvaluator().evaluate_freshness
            return asyncio.run(evaluate(LoadingContextForTest(instance), node))

    assert state(0) is FreshnessState.UNKNOWN
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=author))
    states = [state(hours) for hours in (1, 25, 31, 55)]
    passing, late, missed = FreshnessState.PASS, FreshnessState.WARN, FreshnessState.FAIL
    assert states == [passing, passing, late, missed]
    assert instance.freshness_enabled
