"""One run embeds at a time on an instance, and one that died holds nobody up."""

import dagster as dg
import pytest

from twin_assets.partitions import range_tags
from twin_serving.cli.launch import _OURS, build, end_abandoned_runs


@pytest.fixture
def taken(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run of `twin build` that embeds, or did before its process was gone."""
    run = dg.DagsterRun(
        job_name="end_to_end_data",
        status=dg.DagsterRunStatus.STARTED,
        tags={**range_tags(["zoe"]), **_OURS},
    )
    instance.add_run(run)
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("embedding")
    claim = storage.claim_concurrency_slot("embedding", run.run_id, "embeddings")
    assert claim.is_claimed
    return run


@pytest.mark.postgres_too
def test_a_build_waits_for_another_that_embeds(write, settings, instance, taken):
    write("ada", {"rye": "Rye dough wants a sour starter."})
    storage = instance.event_log_storage
    waited = []

    def end_the_other(event: dg.DagsterEvent) -> None:
        if "blocked by limit for pool embedding" in (event.message or ""):
            waited.append(event)
            storage.free_concurrency_slots_for_run(taken.run_id)

    assert build(settings, instance, [], end_the_other).built == ["ada"]
    assert len(waited) == 1
    assert storage.get_concurrency_info("embedding").active_slot_count == 0


def test_what_a_dead_run_held_is_free_again(instance, taken):
    storage = instance.event_log_storage
    assert storage.get_concurrency_info("embedding").active_slot_count == 1
    assert end_abandoned_runs(instance, all_launchers=False) == 1
    assert storage.get_concurrency_info("embedding").active_slot_count == 0
