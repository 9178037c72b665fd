"""The same questions to the three index backends, each with the same authors in it."""

from contextlib import closing

import dagster as dg
import pytest

from twin_assets.embedding import embedder_for
from twin_assets.errors import BadInputError
from twin_assets.raw_store import open_raw_store
from twin_assets.samples import import_samples
from twin_assets.stores import BACKENDS, create_store
from twin_serving.cli.launch import build
from twin_serving.comparison import compare
from twin_serving.definitions import build_definitions

ASSET = dg.AssetKey("index_comparison")


@pytest.fixture
def samples(settings):
    with closing(open_raw_store(settings)) as store:
        import_samples(store)


def test_the_backends_are_compared_as_an_asset(samples, settings, instance):
    report = build(settings, instance, [], lambda event: None, indexes=BACKENDS)
    assert len(report.built) == 3
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, asset_selection=[ASSET])
    (event,) = result.asset_materializations_for_node("index_comparison")
    figures = {row["backend"]: row for row in event.metadata["figures"].value}
    assert list(figures) == list(BACKENDS)
    for row in figures.values():
        assert (row["authors"], row["overlap"], row["overlap_by_author"]) == (3, 1.0, 1.0)
        assert row["questions"] > 10
        assert 0 < row["p50_ms"] <= row["p95_ms"]
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert "faiss | 1.000" in event.metadata["comparison"].value


def test_a_backend_that_answers_otherwise_is_told_from_the_others(samples, settings, instance):
    """An author that one backend holds in another version is not compared."""
    build(settings, instance, [], lambda event: None, indexes=BACKENDS[:2])
    stores = [create_store(backend, settings) for backend in BACKENDS[:2]]
    served = {s.name: {author: s.serving(author) for author in s.authors()} for s in stores}
    author = stores[0].authors()[0]
    partition = stores[1].read(author, served[stores[1].name][author])
    served[stores[1].name][author] = stores[1].publish(partition_of(partition)).version
    rows = compare(stores, served, embedder_for(settings))
    assert [row.authors for row in rows] == [2, 2]


def partition_of(partition):
    """Return the partition as another data version."""
    from dataclasses import replace

    return replace(partition, data_version="another")


def test_nothing_to_compare_is_one_clear_line(settings, instance):
    stores = [create_store(backend, settings) for backend in BACKENDS]
    with pytest.raises(BadInputError, match="twin build --index all"):
        compare(stores, {}, embedder_for(settings))
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=instance, asset_selection=[ASSET], raise_on_error=False
    )
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "twin build --index all" in failure.step_failure_data.error.to_string()
    assert isinstance(failure, dg.DagsterEvent)
