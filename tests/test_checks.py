"""The asset checks: one verdict an author, and a failed one keeps a version from being served."""

from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document

from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.errors import NothingServedError
from twin_assets.partitions import range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.stores import create_store
from twin_serving.catalog import open_catalog
from twin_serving.cli.launch import build

INDEX_CHECK = dg.AssetCheckKey(dg.AssetKey("faiss_index"), "index_holds_windows")


@pytest.fixture
def two_authors(settings, instance):
    with closing(open_raw_store(settings)) as store:
        for author in ("ada", "bob"):
            store.put_author(Author(author, author.title()))
            text = f"The words of {author} about bread and ovens."
            store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    assert not build(settings, instance, [], lambda event: None).failed


def statuses(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dict[str, str]:
    infos = instance.event_log_storage.get_asset_check_partition_info([key])
    return {
        info.partition_key: info.latest_execution_status.value
        for info in infos
        if info.partition_key is not None
    }


def run_checks(settings, instance, authors) -> bool:
    """Run the index check alone, as the Dagster UI's button does."""
    checks = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(INDEX_CHECK))
    definitions = build_definitions(settings)
    merged = dg.Definitions.merge(definitions, dg.Definitions(jobs=[checks]))
    result = merged.resolve_job_def("checks").execute_in_process(
        instance=instance, tags=range_tags(authors), raise_on_error=False
    )
    return result.success


def test_each_author_of_a_run_has_a_verdict_of_his_own(two_authors, instance, settings):
    for key in build_definitions(settings).resolve_asset_graph().asset_check_keys:
        assert statuses(instance, key) == {"ada": "SUCCEEDED", "bob": "SUCCEEDED"}, key


def test_a_check_that_fails_afterwards_ends_the_serving_of_that_author_only(
    two_authors, instance, settings
):
    store = create_store("faiss", settings)
    version = store.serving("ada")
    catalog = open_catalog(settings)
    assert {p.author.slug for p in catalog.served().partitions} == {"ada", "bob"}
    folder = settings.indexes_path / "faiss" / "ada" / "versions" / version
    vectors = folder / "article_chunks_embedded.npy"
    sound = vectors.read_bytes()
    vectors.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    run_checks(settings, instance, ["ada", "bob"])
    assert statuses(instance, INDEX_CHECK) == {"ada": "FAILED", "bob": "SUCCEEDED"}

    vectors.write_bytes(sound)  # even if the files are well again, the check's word stands
    fresh = open_catalog(settings)
    assert {p.author.slug for p in fresh.served().partitions} == {"bob"}
    assert any("ada" in fault for fault in fresh.served().faults)


def test_without_a_materialization_nothing_is_served(two_authors, instance, settings):
    instance.wipe_assets([dg.AssetKey("faiss_index")])
    with pytest.raises(NothingServedError, match="twin build"):
        open_catalog(settings).served()
