"""The six assets over a real instance: what each run records, and for whom."""

from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest

from twin_assets.artifacts import artifact_path, read_rows
from twin_assets.assets import chain
from twin_assets.assets.provenance import INDEX_VERSION, latest_by_author, materializations
from twin_assets.documents import CleanedDocument
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

ASSETS = [asset.key.to_user_string() for asset in chain(["faiss"])]
BREAD = {
    "rye": "Rye dough wants a sour starter, because acid keeps its starch from breaking down.",
    "oven": "An oven stone stores heat, so the loaf rises in the first ten minutes of the bake.",
}
RADIO = {
    "wire": "A wire antenna half a wavelength long has its lowest impedance in the middle.",
    "sun": "Sunspots raise the maximum usable frequency of the ionosphere in the afternoon.",
}


def events(instance: dg.DagsterInstance, asset: str, author: str) -> int:
    return len(materializations(instance, asset, author, limit=50))


def test_several_authors_in_one_run_get_one_event_each(write, build_now, instance, settings):
    write("ada", BREAD)
    write("bob", RADIO)
    report = build_now()
    assert report.failed == {}
    assert report.built == ["ada", "bob"]
    assert len(report.run_ids) == 1
    for asset in ASSETS:
        assert [events(instance, asset, author) for author in ("ada", "bob")] == [1, 1], asset
    store = create_store("faiss", settings)
    for author in ("ada", "bob"):
        latest = materializations(instance, "faiss_index", author)[0]
        assert store.serving(author) == latest.tags[INDEX_VERSION]


def test_a_second_build_does_nothing_and_a_changed_text_embeds_its_windows_only(write, build_now):
    write("ada", BREAD)
    assert build_now().windows_embedded == 2
    again = build_now()
    assert (again.windows_embedded, again.current, again.run_ids) == (0, ["ada"], [])
    write("ada", {"rye": "Rye bread keeps for a week when it is wrapped in a linen cloth."})
    assert build_now().windows_embedded == 1


def test_the_same_text_of_another_author_is_not_embedded_again(write, build_now, settings):
    write("ada", BREAD)
    build_now()
    write("bob", BREAD)
    report = build_now()
    assert (report.built, report.windows_embedded) == (["bob"], 0)
    store = create_store("faiss", settings)
    ids = [
        {chunk.chunk_id for chunk in store.read(author, store.serving(author)).chunks}
        for author in ("ada", "bob")
    ]
    assert not ids[0] & ids[1]


def test_crosswise_builds_keep_each_author_to_his_own_lineage(write, build_now, instance, settings):
    write("ada", BREAD)
    build_now("ada")
    write("bob", RADIO)
    build_now("bob")
    write(
        "ada", {"rye": "Rye wants patience: a stiff dough, a cool night and an even colder oven."}
    )
    build_now("ada")
    write(
        "bob", {"sun": "Sunspots were few that winter, and the upper bands stayed shut for weeks."}
    )
    build_now("bob")
    store = create_store("faiss", settings)
    for author in ("ada", "bob"):
        version = store.serving(author)
        manifest = next(m for m in store.versions(author) if m.version == version)
        assert {source.asset for source in manifest.upstream} == {
            "cleaned_documents",
            "chunks",
            "embeddings",
        }
        for source in manifest.upstream:
            own = materializations(instance, source.asset, author)[0]
            assert (source.run_id, source.storage_id) == (own.run_id, own.storage_id)
            assert source.data_version == own.data_version

    twin = Twin(settings)
    for question, author in (
        ("How should rye dough be treated?", "ada"),
        ("What do sunspots do to the upper bands?", "bob"),
    ):
        answer = twin.ask(question, RetrievalOptions())
        cited = answer.citations[0].passage.candidate.document.author
        assert cited == author
        partition = next(p for p in answer.retrieval.index.partitions if p.author.slug == author)
        own = materializations(instance, "faiss_index", author)[0]
        assert (partition.run_id, partition.storage_id) == (own.run_id, own.storage_id)


def test_a_bad_document_is_quarantined_with_its_reason(write, build_now, instance):
    write("ada", BREAD | {"empty": "   "})
    assert build_now().built == ["ada"]
    record = instance.get_latest_materialization_event(dg.AssetKey("cleaned_documents"))
    metadata = record.asset_materialization.metadata
    assert metadata["quarantined"].value == 1
    row = metadata["quarantined documents"].records[0].data
    assert row["link"].endswith("/empty")
    assert row["reason"]


@pytest.mark.postgres_too
def test_an_author_who_cannot_be_built_stops_nobody_else(write, build_now, instance, settings):
    write("ada", {"empty": " "})
    write("bob", RADIO)
    write("cleo", BREAD)
    report = build_now()
    assert report.built == ["bob", "cleo"]
    assert list(report.failed) == ["ada"]
    assert "ada" in report.failed["ada"]
    assert create_store("faiss", settings).authors() == ["bob", "cleo"]
    assert latest_by_author(instance, "chunks").keys() == {"bob", "cleo"}
    assert latest_by_author(instance, "raw_documents").keys() == {"ada", "bob", "cleo"}


def test_an_unexpected_fault_with_one_author_stops_nobody_else(
    write, build_now, settings, monkeypatch
):
    chunks = import_module("twin_assets.assets.chunks")  # the package's attribute is the asset
    write("ada", BREAD)
    write("bob", RADIO)
    split = chunks.chunk_document

    def fail_on_bread(document, *rest):
        if document.author == "ada":
            raise ZeroDivisionError("an invented fault")
        return split(document, *rest)

    monkeypatch.setattr(chunks, "chunk_document", fail_on_bread)
    report = build_now()
    assert report.built == ["bob"]
    assert "ZeroDivisionError" in report.failed["ada"]
    monkeypatch.undo()
    assert build_now().built == ["ada"]


def test_a_missing_artifact_is_made_again(write, build_now, settings):
    write("ada", BREAD)
    build_now()
    path: Path = artifact_path(settings.artifacts_path, "cleaned_documents", "ada")
    before = read_rows(path, CleanedDocument)
    path.unlink()
    report = build_now()
    assert (report.built, report.windows_embedded) == (["ada"], 0)
    assert read_rows(path, CleanedDocument) == before


def test_a_changed_setting_makes_its_assets_and_those_after_it_stale(
    write, build_now, settings: TwinSettings, instance
):
    from twin_serving.cli.launch import build

    write("ada", {"long": "A sentence about bread and time. " * 200})
    build_now()
    shorter = settings.model_copy(update={"article_chunk_characters": 600})
    report = build(shorter, instance, [], lambda event: None)
    assert report.built == ["ada"]
    assert [events(instance, asset, "ada") for asset in ASSETS] == [1, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("asset", ASSETS)
def test_every_event_has_provenance_and_metadata(asset, write, build_now, instance):
    write("ada", BREAD)
    build_now()
    event = materializations(instance, asset, "ada")[0]
    assert event.data_version
    assert event.tags["dagster/code_version"]
    record = instance.get_latest_materialization_event(dg.AssetKey(asset))
    metadata = record.asset_materialization.metadata
    assert metadata["dagster/row_count"].value == 2
    plots = {"chunks": "lengths", "embeddings": "map"}
    assert ("data:image/svg+xml" in str(metadata)) is (asset in plots)
