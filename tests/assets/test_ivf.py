"""The asset over all authors: nothing to do for few, an inverted file and its recall for many."""

from datetime import UTC, datetime
from functools import partial

import dagster as dg
import pytest
from builders import ADA, partition
from faults import flip

from twin_assets.definitions import build_definitions
from twin_assets.documents import Author, Category
from twin_assets.stores import faiss
from twin_assets.stores.faiss import ivf
from twin_serving.catalog import open_catalog

BOB = Author("bob", "Bob")


@pytest.fixture
def published(settings):
    """Two authors with 1,500 posts, served."""
    store = faiss.FaissStore(settings.indexes_path / "faiss")
    for seed, author in enumerate((ADA, BOB)):
        part = partition(author, [(Category.POST, 1)] * 750, seed=seed)
        store.serve(author.slug, store.publish(part).version)


def materialize(settings, instance):
    """Run the asset as its schedule does."""
    repository = build_definitions(settings).get_repository_def()
    schedule = repository.get_schedule_def("build_ivf")
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime(2030, 1, 1, 3, tzinfo=UTC),
        resources={"settings": settings},
    ) as context:
        (request,) = schedule.evaluate_tick(context).run_requests
    job = repository.get_job(schedule.job_name)
    result = job.execute_in_process(instance=instance, tags=request.tags)
    (event,) = result.asset_materializations_for_node("faiss_ivf")
    (check,) = result.get_asset_check_evaluations()
    return {name: value.value for name, value in event.metadata.items()}, check


@pytest.mark.postgres_too
def test_few_windows_need_none(published, settings, instance):
    metadata, check = materialize(settings, instance)
    assert metadata["search over all authors"] == "exact"
    assert metadata["authors"] == 2
    assert check.passed


@pytest.mark.parametrize("eight_bit", [True, False])
def test_many_windows_get_one_and_its_recall_is_checked(
    published, settings, instance, monkeypatch, eight_bit
):
    monkeypatch.setattr(faiss, "FaissStore", partial(faiss.FaissStore, exact_below=1000))
    metadata, check = materialize(
        settings.model_copy(update={"faiss_eight_bit": eight_bit}), instance
    )
    assert metadata["search over all authors"] == "approximate"
    assert metadata["post windows"] == 1500
    assert metadata["post lists"] > metadata["post lists searched"]
    assert check.passed
    assert 0.95 <= check.metadata["recall"].value <= 1


@pytest.mark.postgres_too
def test_a_recall_that_is_too_low_fails_the_check(published, settings, instance, monkeypatch):
    monkeypatch.setattr(faiss, "FaissStore", partial(faiss.FaissStore, exact_below=1000))
    monkeypatch.setattr(ivf, "calibrate", lambda *_: (1, 1.0))  # one list, of 46
    _, check = materialize(settings, instance)
    assert not check.passed
    assert check.metadata["recall"].value < 0.9


def test_a_damaged_author_is_left_out_and_it_is_said(published, settings, instance):
    store = faiss.FaissStore(settings.indexes_path / "faiss")
    version = store.serving("ada")
    folder = settings.indexes_path / "faiss" / "ada" / "versions" / version
    flip(folder / "post_chunks_embedded.npy")
    metadata, check = materialize(settings, instance)
    assert metadata["authors"] == 1
    assert list(metadata["left out"]) == ["ada"]
    assert "does not match its checksum" in metadata["left out"]["ada"]
    assert check.passed


def test_it_is_not_scheduled_for_another_backend(settings):
    other = build_definitions(settings.model_copy(update={"index": "qdrant"}))
    assert not other.get_repository_def().has_schedule_def("build_ivf")


def test_a_damaged_one_is_told_and_answers_are_exact(write, build_now, settings):
    write("ada", {"rye": "Rye dough wants a sour starter, because acid keeps its starch whole."})
    build_now()
    folder = settings.indexes_path / "faiss" / "_ivf"
    folder.mkdir()
    (folder / "article_chunks_embedded.json").write_text("{")
    served = open_catalog(settings).served()
    assert [partition.author.slug for partition in served.partitions] == ["ada"]
    (fault,) = served.faults
    assert "article" in fault
    assert "\n" not in fault
