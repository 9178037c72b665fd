"""An author forgotten: every layer searched, whatever stopped the command before."""

import io
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
from test_commands import line
from zip_builder import zip_of

from twin_assets.assets import ASSETS, forgetting
from twin_assets.assets.dagster_storages import Storages
from twin_assets.assets.provenance import latest_by_author
from twin_assets.errors import StorageError
from twin_assets.partitions import range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import create_store
from twin_assets.stores.faiss import FaissStore
from twin_serving import audit, uploads
from twin_serving.audit import AuditLog
from twin_serving.catalog import open_instance
from twin_serving.cli import forgetting as command
from twin_serving.cli.launch import build
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

ADA = {"author": "Ada Quillfeather", "link": "https://zibeline.example/a", "title": "Brachylogy"}
BOB = {"author": "Bob Marrow", "link": "https://example.com/b", "title": "Wire"}
# A link, a title, a text of each version, and the keys that the layers know the author by.
HERS = ("zibeline", "brachylogy", "xylopolist", "yarborough", "quillfeather")
WIRE = "A wire antenna half a wavelength long has its lowest impedance in the middle."
LAYERS = [
    "faiss index",
    "Dagster",
    "artifacts",
    "uploads",
    "audit trail",
    "vector cache",
    "raw store",
]
FORGET = ("forget", "Ada Quillfeather", "--yes")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TwinSettings:
    """A home with two authors built, then Ada alone, then both: she fails and he goes on.

    Somebody has asked about her.
    """
    folder = tmp_path_factory.mktemp("forgetting")
    settings = load_settings(home=folder / "home", _env_file=None)
    documents = folder / "documents.jsonl"
    texts = [
        ("The xylopolist sells wood.", WIRE),
        ("A yarborough holds no card above nine.", WIRE),
        ("", f"{WIRE} It is fed there."),
    ]
    for hers, his in texts:
        documents.write_text(line(**ADA, text=hers) + line(**BOB, text=his), encoding="utf-8")
        with closing(open_raw_store(settings)) as store:
            import_jsonl(documents, store)
        with open_instance(settings) as instance:
            report = build(settings, instance, [], lambda event: None)
            assert list(report.failed) == ([] if hers else ["ada-quillfeather"])
    of_hers = settings.dagster_home / "storage" / report.run_ids[0]
    next(of_hers.rglob("*.err")).write_text("what a library said of zibeline", encoding="utf-8")
    uploads.keep(settings, "ada-quillfeather", zip_of(folder / "her.zip", {"posts/a": "zibeline"}))
    with open_instance(settings) as instance:
        instance.report_runless_asset_event(
            dg.AssetObservation("faiss_index", partition="ada-quillfeather")
        )
    question = "What does the yarborough of Ada Quillfeather hold?"
    assert "yarborough" in Twin(settings).ask(question, RetrievalOptions()).text
    return settings


@pytest.fixture
def home(built: TwinSettings, tmp_path: Path) -> TwinSettings:
    """A copy of that home, where `twin` looks for one."""
    shutil.copytree(built.root, tmp_path / "home")
    return load_settings(home=tmp_path / "home", _env_file=None)


def words_in(root: Path) -> set[str]:
    """Return which of her words are in any file, in its bytes, its columns or its name."""
    found = set()
    for path in root.rglob("*"):
        text = path.relative_to(root).as_posix()
        if path.is_file():
            text += path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += str(pq.read_table(path).to_pylist())
        found |= {word for word in HERS if word in text.casefold()}
    return found


def proof(done) -> dict[str, int]:
    return {row["layer"]: row["left"] for row in json.loads(done.out)["layers"]}


def test_nothing_is_left_and_the_other_author_is_as_before(twin, home):
    assert words_in(home.root) == set(HERS)
    (before,) = [a for a in json.loads(twin("status", "--json").out)["authors"] if "bob" in str(a)]

    done = twin(*FORGET)
    assert (done.code, done.err) == (0, "")
    rows = [row.rsplit(maxsplit=2) for row in done.out.splitlines()]
    assert rows[0] == ["layer", "removed", "left"]
    assert [name for name, *_ in rows[1:]] == LAYERS
    assert all(int(removed) > 0 and left == "0" for _, removed, left in rows[1:])
    assert words_in(home.root) == set()

    (after,) = json.loads(twin("status", "--json").out)["authors"]
    assert after == before
    assert set(after["assets"].values()) == {"current"}
    again = json.loads(twin("build", "--json").out)
    assert (again["current"], again["windows_embedded"]) == (["bob-marrow"], 0)
    assert "https://example.com/b" in twin("ask", "Where is the impedance lowest?").out
    assert words_in(home.root) == set()
    assert twin(*FORGET).code == 1


def test_no_word_is_left_in_a_free_page(twin, home):
    held = [path for path in home.root.rglob("*.db") if b"quillfeather" in path.read_bytes()]
    held += [*home.root.rglob("schedules.db"), *home.artifacts_path.rglob("*.db")]
    for path in held:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA secure_delete = OFF")  # some builds have it on
            connection.execute("CREATE TABLE old (text TEXT)")
            connection.execute("INSERT INTO old VALUES (?)", ("xylopolist " * 5000,))
            connection.commit()
            connection.execute("DROP TABLE old")
            connection.commit()
        assert b"xylopolist xylopolist" in path.read_bytes()
    assert twin(*FORGET).code == 0
    assert words_in(home.root) == set()


def test_dagster_answers_for_the_author_that_stays(twin, home):
    twin(*FORGET)
    with open_instance(home) as instance:
        keys = [
            asset.key
            for asset in ASSETS
            if "faiss" in str(asset.key) or "_index" not in str(asset.key)
        ]
        assert instance.get_dynamic_partitions("author") == ["bob-marrow"]
        for key in keys:
            event = instance.get_latest_materialization_event(key)
            assert event is not None
            assert event.asset_materialization is not None
            assert event.asset_materialization.partition == "bob-marrow"
            assert instance.get_materialized_partitions(key) == {"bob-marrow"}
            assert list(latest_by_author(instance, key.to_user_string())) == ["bob-marrow"]
        for record in instance.get_asset_records(keys):
            assert record.asset_entry.last_run_id is not None
            assert instance.has_run(record.asset_entry.last_run_id)
        for run in instance.get_runs():
            assert {
                run.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")
            } == {"bob-marrow"}
            assert instance.all_logs(run.run_id)


def test_an_author_who_comes_again_is_new(twin, home, tmp_path):
    with closing(open_raw_store(home)) as store:
        revision = store.revision("ada-quillfeather")
    twin(*FORGET)
    documents = tmp_path / "again.jsonl"
    documents.write_text(line(**ADA, text="The xylopolist sells wood."), encoding="utf-8")
    assert json.loads(twin("import", documents, "--json").out)["new"] == 1
    with closing(open_raw_store(home)) as store:
        assert store.revision("ada-quillfeather") > revision
    report = json.loads(twin("build", "--json").out)
    assert (report["built"], report["windows_embedded"]) == (["ada-quillfeather"], 1)
    assert "xylopolist" in twin("ask", "What does the xylopolist sell?").out


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (FaissStore, "forget"),
        (forgetting, "_remove_events"),
        (forgetting, "_rename_in_runs"),
        (forgetting, "_remove_ticks"),
        (forgetting, "_remove_verdicts"),
        (dg.DagsterInstance, "delete_run"),
        (Storages, "remove_orphans"),
        (Storages, "compact"),
        (forgetting, "_clear_caches"),
        (command, "_remove_artifacts"),
        (command, "forget_kept"),
        (AuditLog, "forget"),
        (audit, "compact"),
        (command, "forget_unused"),
        (command, "_forget_raw"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.rpartition(".")[2],
)
def test_what_was_interrupted_is_finished_by_the_next(twin, home, owner, name):
    def fail(*_: object, **__: object) -> None:
        raise StorageError("The disk is gone.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fail)
        broken = twin(*FORGET)
    assert (broken.code, broken.err) == (1, "twin: The disk is gone.\n")
    done = twin(*FORGET, "--json")
    assert done.code == 0
    assert proof(done) == dict.fromkeys(LAYERS, 0)
    assert words_in(home.root) == set()


def test_a_run_deleted_halfway_leaves_no_file(twin, home):
    deleted = dg.DagsterInstance.delete_run

    def die_after(instance: dg.DagsterInstance, run_id: str) -> None:
        deleted(instance, run_id)
        raise StorageError("The disk is gone.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dg.DagsterInstance, "delete_run", die_after)
        assert twin(*FORGET).code == 1
    assert twin(*FORGET).code == 0
    assert words_in(home.root) == set()


@pytest.mark.parametrize(
    ("layer", "owner", "name"),
    [
        ("faiss index", FaissStore, "forget"),
        ("Dagster", forgetting, "forget"),
        ("artifacts", command, "_remove_artifacts"),
        ("uploads", command, "forget_kept"),
        ("audit trail", AuditLog, "forget"),
        ("vector cache", command, "forget_unused"),
        ("raw store", command, "_forget_raw"),
    ],
)
def test_a_layer_that_keeps_something_is_named(twin, home, layer, owner, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, lambda *_, **__: None)
        done = twin(*FORGET, "--json")
    assert done.code == 1
    # her record stays with it, so that the next run knows whom to forget
    assert {name for name, left in proof(done).items() if left} == {layer, "raw store"}
    assert f"ada-quillfeather is not forgotten: something is left in {layer} (" in done.err
    assert done.err.count("\n") == 1
    assert twin(*FORGET).code == 0


@pytest.mark.parametrize("name", ["Nobody", "!?", "ada", "..", "chunks"])
def test_an_author_who_never_was_is_one_clear_line(twin, home, name):
    before = _files(home.root)
    done = twin("forget", name, "--yes")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"twin: Nothing of '{name}' is stored in ")
    assert _files(home.root) == before


def test_nothing_goes_without_a_yes(twin, home, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    unasked = twin("forget", "Ada Quillfeather")
    assert (unasked.code, unasked.err.count("\n")) == (1, 1)
    assert "Say --yes where nobody can be asked." in unasked.err
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    refused = twin("forget", "Ada Quillfeather")
    assert refused.code == 1
    assert "ada-quillfeather is in: faiss index (" in refused.err
    assert "Nothing was removed." in refused.err
    assert create_store("faiss", home).serving("ada-quillfeather")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert twin("forget", "Ada Quillfeather").code == 0
    assert words_in(home.root) == set()


def test_a_run_at_work_is_waited_for(twin, home):
    with open_instance(home) as instance:
        instance.add_run(
            dg.DagsterRun(
                job_name="end_to_end_data",
                status=dg.DagsterRunStatus.STARTED,
                tags=range_tags(["ada-quillfeather"]),
            )
        )
    done = twin(*FORGET)
    assert done.code == 1
    assert "Dagster is at work on ada-quillfeather (run " in done.err
    assert create_store("faiss", home).serving("ada-quillfeather")


def test_a_file_that_a_killed_writer_left_goes_too(twin, home):
    (home.artifacts_path / "chunks" / ".ada-quillfeather.parquet.77.tmp").write_text("xylopolist")
    (home.artifacts_path / "chunks" / ".bob-marrow.parquet.77.tmp").write_text("wire")
    assert twin(*FORGET).code == 0
    assert words_in(home.root) == set()
    assert (home.artifacts_path / "chunks" / ".bob-marrow.parquet.77.tmp").exists()


def _files(folder: Path) -> set[Path]:
    """Return what there is, but for what SQLite keeps beside a database that is open."""
    return {path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))}
