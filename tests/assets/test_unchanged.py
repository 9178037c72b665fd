"""A partition that is as before is recorded again, and nothing is made, read or judged for it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import dagster as dg
import pytest

from twin_assets import checks
from twin_assets.artifacts import artifact_path
from twin_assets.assets import chain
from twin_assets.assets import repeated as repeated_events
from twin_assets.assets.provenance import (
    AS_BEFORE,
    DATA_VERSION,
    INDEX_VERSION,
    INPUT_EVENT,
    Materialization,
    latest_by_author,
    materializations,
)
from twin_assets.assets.verdicts import GATES
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.embedding import embedder_for, get_embedder
from twin_assets.partitions import JOB, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store

ASSETS = [asset.key.to_user_string() for asset in chain(["faiss"])]
CHECKED = [
    key
    for checked in checks.CHECKS
    for key in checked.check_keys
    if key.asset_key.to_user_string() in ASSETS
]
BREAD = {"rye": "rye wants a sour dough, because acid keeps its starch whole."}
RADIO = {"wire": "a wire of half a wave has its least impedance in the middle."}

Latest = Mapping[str, Mapping[str, Materialization]]
Run = Callable[..., Latest]


@pytest.fixture
def settings(settings: TwinSettings, tiny: str) -> TwinSettings:
    """An empty home with a small model."""
    return settings.model_copy(update={"embedding_model": tiny})


@pytest.fixture
def run(write, build_now, settings: TwinSettings, instance: dg.DagsterInstance) -> Run:
    """Build two authors, and return what materializes both again whatever their state."""
    write("ada", BREAD)
    write("bob", RADIO)
    assert build_now().built == ["ada", "bob"]

    def again(changed: TwinSettings = settings, *, succeeds: bool = True) -> Latest:
        job = build_definitions(changed).resolve_job_def(JOB)
        result = job.execute_in_process(
            instance=instance, tags=range_tags(["ada", "bob"]), raise_on_error=False
        )
        assert result.success is succeeds
        return {asset: latest_by_author(instance, asset) for asset in ASSETS}

    return again


def repeated(latest: Latest, author: str) -> list[str]:
    return [asset for asset in ASSETS if AS_BEFORE in latest[asset][author].tags]


@pytest.mark.postgres_too
def test_everything_is_recorded_again_and_points_at_its_own_inputs(run, settings, instance):
    store = create_store("faiss", settings)
    version = store.serving("ada")
    file = artifact_path(settings.artifacts_path, "chunks", "ada")
    written = file.stat().st_mtime_ns
    first = {asset: latest_by_author(instance, asset) for asset in ASSETS}
    get_embedder.cache_clear()

    def said(made: Materialization) -> Mapping[str, dg.MetadataValue]:
        wanted = dg.AssetRecordsFilter(dg.AssetKey(made.asset), storage_ids=[made.storage_id])
        (record,) = instance.fetch_materializations(wanted, limit=1).records
        return record.asset_materialization.metadata

    def unchanged_since(made: Materialization) -> object:
        return said(made)["unchanged since"].value

    latest = run()
    assert embedder_for(settings)._model is None  # nothing was embedded
    assert file.stat().st_mtime_ns == written
    assert [m.version for m in store.versions("ada")] == [version]
    for asset in ASSETS:
        before, after = first[asset]["ada"], latest[asset]["ada"]
        assert after.storage_id > before.storage_id
        assert after.data_version == before.data_version
        assert after.tags[AS_BEFORE] == str(before.storage_id)
        assert said(after).items() >= said(before).items()
        assert unchanged_since(after) == before.run_id
    index = latest["faiss_index"]["ada"]
    assert index.tags[INDEX_VERSION] == version
    assert index.tags[INPUT_EVENT + "chunks"] == str(latest["chunks"]["ada"].storage_id)

    once_more = run()
    for asset in ASSETS:  # it is the first run that is named, however often
        assert unchanged_since(once_more[asset]["bob"]) == first[asset]["bob"].run_id


@pytest.mark.postgres_too
def test_events_are_read_as_dagster_itself_reads_them(run, instance):
    run()
    for asset in ASSETS:
        for author, made in latest_by_author(instance, asset).items():
            assert [made] == materializations(instance, asset, author)


@pytest.mark.postgres_too(plain=True)
def test_verdicts_are_repeated_too_and_given_anew_where_checks_run_alone(
    run, settings, instance, monkeypatch
):
    judged = []
    judge = checks.chunks_cover_text
    monkeypatch.setattr(
        checks, "chunks_cover_text", lambda *given: judged.append(given) or judge(*given)
    )
    key = dg.AssetCheckKey(dg.AssetKey("chunks"), GATES["chunks"])

    def verdict() -> dg.AssetCheckEvaluation:
        made = latest_by_author(instance, "chunks")["ada"].storage_id
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
        given = [record.evaluation for record in history if record.partition == "ada"]
        return next(one for one in given if one.target_materialization_data.storage_id == made)

    first = verdict()
    run()
    second = verdict()
    assert judged == []
    assert second.passed
    assert (second.description, second.metadata) == (first.description, first.metadata)
    assert second.target_materialization_data != first.target_materialization_data

    alone = dg.define_asset_job("alone", selection=dg.AssetSelection.checks(key))
    definitions = dg.Definitions.merge(build_definitions(settings), dg.Definitions(jobs=[alone]))
    job = definitions.resolve_job_def("alone")
    assert job.execute_in_process(instance=instance, tags=range_tags(["ada", "bob"])).success
    assert len(judged) == 2


@pytest.mark.postgres_too
def test_what_is_logged_again_is_of_its_run_and_step_as_what_is_logged_anew(run, write, instance):
    write("ada", {"rye": "rye bread keeps for a week in a linen cloth."})
    latest = run()
    run_id = latest["chunks"]["bob"].run_id
    given = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
    logged = {"ada": {}, "bob": {}}
    for entry in instance.all_logs(run_id, of_type=given):
        event = entry.get_dagster_event()
        said = event.event_specific_data
        made = event.is_step_materialization
        author, name = (
            (event.partition, event.step_key) if made else (said.partition, said.check_name)
        )
        if author is not None:
            # what is said of an author, and when, is his own
            plain = event._replace(
                event_specific_data=None, event_type_value="STEP_START", message=""
            )
            logged[author][name] = entry._replace(dagster_event=plain, timestamp=0, user_message="")
    assert logged["ada"] == logged["bob"]
    assert len(logged["bob"]) == len(ASSETS) + len(CHECKED)

    for asset in ASSETS:
        key, made = dg.AssetKey(asset), latest[asset]["bob"]
        assert instance.get_latest_materialization_event(key).run_id == run_id
        (tags,) = instance.get_event_tags_for_asset(key, filter_event_id=made.storage_id)
        assert tags == {DATA_VERSION: made.data_version}
    for check in CHECKED:
        history = instance.event_log_storage.get_asset_check_execution_history(check, limit=20)
        of_run = [record for record in history if record.run_id == run_id]
        assert {record.status.value for record in of_run} <= {"SUCCEEDED", "FAILED"}  # not planned
        assert {record.partition for record in of_run} == {"ada", "bob", None}


@pytest.mark.postgres_too
def test_what_a_deleted_run_said_is_judged_anew(run, settings, instance):
    alone = dg.define_asset_job("alone", selection=dg.AssetSelection.checks(*CHECKED))
    definitions = dg.Definitions.merge(build_definitions(settings), dg.Definitions(jobs=[alone]))
    job = definitions.resolve_job_def("alone")
    checked = job.execute_in_process(instance=instance, tags=range_tags(["ada", "bob"]))
    instance.delete_run(checked.run_id)
    run_id = run()["chunks"]["ada"].run_id
    for check in CHECKED:
        history = instance.event_log_storage.get_asset_check_execution_history(check, limit=20)
        of_run = [record for record in history if record.run_id == run_id]
        assert {record.partition for record in of_run} == {"ada", "bob", None}
        assert {record.status.value for record in of_run} <= {"SUCCEEDED", "FAILED"}


def test_more_than_a_batch_is_logged_again(run, monkeypatch):
    monkeypatch.setattr(repeated_events, "_BATCH", 1)
    latest = run()
    assert repeated(latest, "ada") == repeated(latest, "bob") == ASSETS


def test_only_what_changed_is_made_and_what_comes_of_it(run, write, settings):
    write("ada", {"rye": "rye bread keeps for a week in a linen cloth."})
    latest = run()
    assert repeated(latest, "ada") == []
    assert repeated(latest, "bob") == ASSETS


def test_a_setting_remakes_what_depends_on_it(run, settings):
    latest = run(settings.model_copy(update={"article_chunk_characters": 1800}))
    # short texts are cut as before, so what is made of the chunks is as it was
    assert repeated(latest, "ada") == [asset for asset in ASSETS if asset != "chunks"]


def test_a_name_reaches_the_index_alone(run, settings):
    store = open_raw_store(settings)
    store.put_author(replace(Author("ada", "Ada"), name="Ada Quill"))
    store.close()
    latest = run()
    # the raw documents are recorded with the new revision, and are the same
    assert repeated(latest, "ada") == ASSETS[1:-1]
    index = create_store("faiss", settings)
    assert index.read("ada", index.serving("ada")).author.name == "Ada Quill"


@pytest.mark.parametrize("asset", ["cleaned_documents", "embeddings"])
def test_what_is_missing_is_made_again(run, settings, asset):
    path = artifact_path(settings.artifacts_path, asset, "ada")
    path.unlink()
    latest = run()
    assert repeated(latest, "ada") == [name for name in ASSETS if name != asset]
    assert path.is_file()


def test_a_version_that_is_damaged_or_not_served_is_published_again(run, settings):
    store = create_store("faiss", settings)
    version = store.serving("ada")
    vectors = settings.indexes_path / "faiss" / "ada" / "versions" / version
    (vectors / "article_chunks_embedded.npy").write_bytes(b"other")
    (settings.indexes_path / "faiss" / "bob" / "serving.json").unlink()
    latest = run()
    assert "faiss_index" not in repeated(latest, "ada") + repeated(latest, "bob")
    assert store.serving("ada") > version
    assert store.serving("bob") == latest["faiss_index"]["bob"].tags[INDEX_VERSION]


def test_what_a_check_refused_is_made_again_and_judged_anew(run, settings, monkeypatch):
    judge = checks.vectors_are_sound
    refusal = checks.Verdict(False, "an invented fault")
    monkeypatch.setattr(
        checks,
        "vectors_are_sound",
        lambda windows, ids, vectors: (
            refusal if "rye" in windows[0].text else judge(windows, ids, vectors)
        ),
    )
    path = artifact_path(settings.artifacts_path, "embeddings", "ada")
    path.unlink()
    run(succeeds=False)
    monkeypatch.undo()
    latest = run()
    assert "embeddings" not in repeated(latest, "ada")
    assert repeated(latest, "bob") == ASSETS
