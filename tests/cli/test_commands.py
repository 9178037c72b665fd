"""What each command prints, on a home from its first import on."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import twin_assets.samples

SAMPLE = Path(twin_assets.samples.__file__).parent / "ines-carvalho.jsonl"


def line(**fields) -> str:
    complete = {
        "author": "Ada Quillfeather",
        "platform": "blog",
        "category": "article",
        "link": "https://example.com/a",
        "title": "Rye",
        "text": "Rye dough wants a sour starter, because acid keeps its starch whole.",
    }
    return json.dumps(complete | fields) + "\n"


@pytest.fixture
def documents(tmp_path) -> Path:
    path = tmp_path / "documents.jsonl"
    bob = {"author": "Bob Marrow", "link": "https://example.com/b", "title": "Wire"}
    text = "A wire antenna half a wavelength long has its lowest impedance in the middle."
    path.write_text(line() + line(**bob, text=text), encoding="utf-8")
    return path


def test_from_import_to_answer(twin, documents):
    imported = twin("import", documents)
    assert imported.out.startswith("2 new, 0 changed, 0 unchanged documents of 2 authors.")
    again = json.loads(twin("import", documents, "--json").out)
    assert (again["new"], again["unchanged"]) == (0, 2)

    plan = twin("build", "--dry-run")
    assert "ada-quillfeather: from raw_documents on: never materialized" in plan.out
    assert "2 windows would be embedded." in plan.out  # nothing was measured yet

    built = twin("build")
    assert built.code == 0
    assert "Built: ada-quillfeather, bob-marrow." in built.out
    assert "2 windows embedded." in built.out
    assert "faiss_index" in built.err  # progress

    second = twin("build")
    assert "Already current: ada-quillfeather, bob-marrow." in second.out
    assert "0 windows embedded." in second.out
    assert json.loads(twin("build", "--json").out)["windows_embedded"] == 0
    assert json.loads(twin("build", "--dry-run", "--json").out)["windows_to_embed"] == 0

    documents.write_text(line(text="Rye keeps for a week in a linen cloth."), encoding="utf-8")
    twin("import", documents)
    plan = twin("build", "--dry-run")
    assert "1 window would be embedded, in about 1 second." in plan.out
    cost = json.loads(twin("build", "--dry-run", "--json").out)
    assert cost["windows_to_embed"] == 1
    assert 0 < cost["embedding_seconds"] < 60
    documents.write_text(line(), encoding="utf-8")
    twin("import", documents)
    assert "0 windows would be embedded." in twin("build", "--dry-run").out  # read before
    twin("build")

    status = json.loads(twin("status", "--json").out)
    states = {author["slug"]: set(author["assets"].values()) for author in status["authors"]}
    assert states == {"ada-quillfeather": {"current"}, "bob-marrow": {"current"}}
    assert "Ada Quillfeather" in twin("status").out

    answer = json.loads(twin("ask", "What does Ada say rye dough wants?", "--json").out)
    assert answer["author"]["slug"] == "ada-quillfeather"
    assert answer["citations"][0]["link"] == "https://example.com/a"
    shown = twin("ask", "What does Ada say rye dough wants?")
    assert "sour starter" in shown.out
    assert "[1] Rye" in shown.out
    assert "https://example.com/a" in shown.out
    assert "self_query" in shown.err

    found = json.loads(twin("retrieve", "half a wavelength", "--json", "--top", "1").out)
    assert [p["author"] for p in found["passages"]] == ["bob-marrow"]
    chosen = twin("retrieve", "half a wavelength", "--author", "Ada Quillfeather", "--no-rerank")
    assert "https://example.com/b" not in chosen.out


def test_only_the_chosen_author_is_built(twin, documents):
    twin("import", documents)
    report = json.loads(twin("build", "--author", "Bob Marrow", "--json").out)
    assert report["built"] == ["bob-marrow"]
    status = json.loads(twin("status", "--json").out)["authors"]
    assert [a["serving"] is None for a in status] == [True, False]
    assert set(status[0]["assets"].values()) == {"missing"}


def test_a_changed_document_is_stale_and_an_author_without_text_fails(twin, documents):
    twin("import", documents)
    twin("build")
    documents.write_text(line(text="Rye keeps for a week in a linen cloth."), encoding="utf-8")
    twin("import", documents)
    row = json.loads(twin("status", "--json").out)["authors"][0]
    assert row["assets"]["raw_documents"] == "stale"
    assert row["reason"] == "raw_documents: new raw documents"

    documents.write_text(line(text=""), encoding="utf-8")
    twin("import", documents)
    failed = twin("build")
    assert failed.code == 1
    assert "ada-quillfeather failed: No document of ada-quillfeather can be indexed" in failed.err
    row = json.loads(twin("status", "--json").out)["authors"][0]
    assert row["assets"]["cleaned_documents"] == "failed"
    assert row["failure"].startswith("cleaned_documents: No document of ada-quillfeather can be")
    assert row["serving"]  # the version before
    reason = "ada-quillfeather failed in cleaned_documents: No document of ada-quillfeather can be"
    assert reason in twin("status").out


def test_the_samples_are_importable_as_any_file_is(twin):
    assert "25 new" in twin("import", SAMPLE).out


def test_a_command_imports_no_other() -> None:
    code = (
        "import sys; from twin_serving.cli.app import load; sys.argv[1:] = ['status']; load(); "
        "print([m for m in sys.modules if m.startswith('twin_serving.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = ["app", "output", "status"]
    assert sorted(ast.literal_eval(done.stdout)) == [f"twin_serving.cli.{name}" for name in names]


def test_help_names_every_command(twin):
    shown = twin("--help")
    assert shown.code == 0
    for name in ("up", "import", "build", "retrieve", "ask", "status"):
        assert name in shown.out
        assert twin(name, "--help").code == 0
