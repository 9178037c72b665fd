"""The same questions to the three index backends, each with the same authors in it."""

from dataclasses import replace

import dagster as dg
import pytest

from twin_assets.assets.provenance import INDEX_VERSION
from twin_assets.embedding import embedder_for
from twin_assets.errors import BadInputError
from twin_assets.stores import BACKENDS, create_store
from twin_assets.stores.faiss import FaissStore
from twin_serving.cli.launch import build
from twin_serving.comparison import _overlap, compare
from twin_serving.definitions import build_definitions

ASSET = dg.AssetKey("index_comparison")


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


class Another(FaissStore):
    name = "another"


def test_a_version_or_a_backend_that_is_behind_is_not_compared(
    samples, settings, instance, tmp_path
):
    build(settings, instance, [], lambda event: None, indexes=BACKENDS[:2])
    stores = [create_store(backend, settings) for backend in BACKENDS[:2]]
    served = served_by(stores)
    author = stores[0].authors()[0]
    parts = {name: stores[1].read(name, version) for name, version in served["qdrant"].items()}
    behind = {name: replace(part, data_version="another") for name, part in parts.items()}
    served["qdrant"][author] = stores[1].publish(behind[author]).version
    rows = compare(stores, served, embedder_for(settings))
    assert [row.authors for row in rows] == [2, 2]

    another = Another(tmp_path / "another")  # none of its authors is as the others'
    served["another"] = {name: another.publish(part).version for name, part in parts.items()}
    assert len(compare([another, *stores], served, embedder_for(settings))) == 3
    del behind[author]
    served["another"] = {name: another.publish(part).version for name, part in behind.items()}
    rows = compare([another, *stores], served, embedder_for(settings))
    assert [(row.backend, row.authors) for row in rows] == [("faiss", 2), ("qdrant", 2)]


@pytest.mark.postgres_too
def test_a_backend_that_answers_otherwise_fails_the_check(samples, settings, instance):
    build(settings, instance, [], lambda event: None, indexes=BACKENDS[:2])
    faiss, qdrant = (create_store(backend, settings) for backend in BACKENDS[:2])
    for author, version in served_by([qdrant])["qdrant"].items():
        part = qdrant.read(author, version)
        turned = qdrant.publish(replace(part, vectors=-part.vectors)).version
        qdrant.serve(author, turned)
        instance.report_runless_asset_event(
            dg.AssetMaterialization("qdrant_index", partition=author, tags={INDEX_VERSION: turned})
        )
    first, second = compare([faiss, qdrant], served_by([faiss, qdrant]), embedder_for(settings))
    assert (first.overlap, first.overlap_by_author) == (1, 1)
    assert second.overlap < 0.5
    assert second.overlap_by_author < 1
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, asset_selection=[ASSET])
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.metadata["least overlap"].value == second.overlap


def test_the_overlap_is_a_mean_of_shares():
    assert _overlap([["a", "b"], ["c"], []], [["b", "x"], ["c"], []]) == 0.75
    assert _overlap([[]], [["a"]]) == 0
    assert _overlap([], []) == 1


def served_by(stores):
    return {s.name: {author: s.serving(author) for author in s.authors()} for s in stores}


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
