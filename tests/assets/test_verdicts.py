"""What checks said, however long ago and however much was said since."""

from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from twin_assets.assets import verdicts
from twin_assets.assets.verdicts import INDEX_CHECK, refused_materializations

INDEX = "faiss_index"


def judge(instance: dg.DagsterInstance, author: str, storage_id: int, *, passed: bool) -> None:
    """Say what a check of a run of its own would say of the materialization."""
    target = AssetCheckEvaluationTargetMaterializationData(
        storage_id=storage_id, run_id="run", timestamp=0.0
    )
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(INDEX),
        check_name=INDEX_CHECK,
        passed=passed,
        metadata={},
        partition=author,
        target_materialization_data=target,
    )
    event = dg.DagsterEvent(
        dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, "job", event_specific_data=evaluation
    )
    instance.report_dagster_event(event, run_id=str(uuid4()))


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MOST_VARIABLES", 3)


@pytest.mark.postgres_too
def test_a_refusal_is_not_forgotten_however_many_verdicts_follow(
    instance: dg.DagsterInstance,
) -> None:
    def refused() -> set[int]:
        return refused_materializations(instance, INDEX, range(40))

    assert refused() == set()
    judge(instance, "ada", 1, passed=False)
    judge(instance, "bob", 2, passed=False)
    for storage_id in range(3, 13):
        judge(instance, "ada", storage_id, passed=True)
        judge(instance, "bob", 20 + storage_id, passed=storage_id % 2 == 0)
    odd = {23, 25, 27, 29, 31}
    assert refused() == {1, 2, *odd}
    judge(instance, "ada", 1, passed=True)
    assert refused() == {2, *odd}
    judge(instance, "ada", 1, passed=False)
    assert refused() == {1, 2, *odd}


def test_another_author_s_and_another_index_s_verdicts_clear_nothing(
    instance: dg.DagsterInstance,
) -> None:
    judge(instance, "ada", 1, passed=False)
    for _ in range(4):
        judge(instance, "bob", 2, passed=True)
    assert refused_materializations(instance, INDEX, [1, 2]) == {1}
    assert refused_materializations(instance, INDEX, [2]) == set()
    assert refused_materializations(instance, "qdrant_index", [1, 2]) == set()
