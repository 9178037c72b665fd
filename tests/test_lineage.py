"""What a served version came from, step by step, whatever was materialized since."""

from contextlib import closing
from dataclasses import replace

from twin_assets.raw_store import open_raw_store
from twin_assets.stores import create_store
from twin_serving.catalog import Catalog
from twin_serving.cli.launch import build
from twin_serving.lineage import lineage

CHAIN = ["raw_documents", "cleaned_documents", "chunks", "windows", "embeddings", "faiss_index"]


def test_each_step_is_the_one_that_the_version_came_from(samples, settings, instance):
    assert not build(
        settings, instance, ["Mara Lindqvist", "Tomás Okafor"], lambda event: None
    ).failed
    catalog = Catalog(instance, create_store("faiss", settings))
    mara, tomas = (catalog.served().partition(s) for s in ("mara-lindqvist", "tomas-okafor"))
    steps = lineage(instance, "faiss", mara)
    assert [step.asset for step in steps] == CHAIN
    assert {step.run_id for step in steps} == {mara.run_id}
    assert steps[-1].storage_id == mara.storage_id
    assert all(step.data_version and step.code_version for step in steps)
    others = {step.storage_id for step in lineage(instance, "faiss", tomas)}
    assert not others & {step.storage_id for step in steps}

    with closing(open_raw_store(settings)) as store:
        document = next(iter(store.documents("mara-lindqvist")))
        store.upsert([replace(document, text=document.text + " And more of it, later.")])
    assert not build(settings, instance, ["Mara Lindqvist"], lambda event: None).failed
    assert lineage(instance, "faiss", mara) == steps
    later = catalog.served().partition("mara-lindqvist")
    assert lineage(instance, "faiss", later)[0].storage_id > steps[0].storage_id

    instance.wipe_assets([key for key in instance.all_asset_keys() if key.path == ["chunks"]])
    kept = [step.asset for step in lineage(instance, "faiss", mara)]
    assert "chunks" not in kept
    assert kept[-1] == "faiss_index"
