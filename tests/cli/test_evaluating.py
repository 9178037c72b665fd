"""`twin eval`: a small collection through the real chain, its figures, and what it refuses."""

import json
from contextlib import closing

import pytest
from beir_files import DOCUMENTS, QUERIES, write_dataset
from builders import raw_document

from twin_assets.documents import Author
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import load_settings
from twin_serving.retrieval import RetrievalOptions

SETTINGS = [
    "dense",
    "bm25",
    "hybrid",
    "hybrid+late-interaction",
    "hybrid+cross-encoder",
    "default",
]
MEASURES = ["ndcg_at_10", "recall_at_10", "recall_at_100", "mrr_at_10"]
EMPTY = {"_id": "empty", "title": "Nothing", "text": ""}


@pytest.fixture
def folder(tmp_path):
    return write_dataset(tmp_path / "bread", [*DOCUMENTS, EMPTY])


def test_a_collection_is_measured_in_a_home_that_leaves_nothing_behind(
    twin, folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    # what a user keeps elsewhere is no business of an evaluation
    monkeypatch.setenv("TWIN_RAW_STORE", "mongodb://127.0.0.1:1/twin")
    monkeypatch.setenv("TWIN_DAGSTER_INSTANCE", str(tmp_path / "nowhere"))
    done = twin("eval", folder, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["dataset"] == "bread"
    assert (result["documents"], result["queries"], result["authors"]) == (4, 2, 1)
    assert result["queries_without_judgements"] == 1
    (lost,) = result["quarantined"]
    assert lost["document"] == "empty"
    assert "empty" in lost["reason"]
    rows = {row["setting"]: row for row in result["results"]}
    assert list(rows) == SETTINGS
    for setting, row in rows.items():
        if setting == "hybrid+cross-encoder":
            assert all(row[name] is None for name in [*MEASURES, "seconds_per_query"])
            assert "not at hand" in row["reason"]
            continue
        assert row["seconds_per_query"] > 0
        assert row["recall_at_100"] == 1.0  # nothing is cut by the score that answers need
        for name in MEASURES:
            low, high = row[f"{name}_interval"]
            assert low <= row[name] <= high
    assert rows["dense"]["ndcg_at_10"] == rows["dense"]["mrr_at_10"] == 1.0
    # "default" is measured with what a user gets
    counts = {name: row["candidates"] for name, row in rows.items()}
    assert counts == dict.fromkeys(SETTINGS, 100) | {"default": RetrievalOptions().k}
    assert "embedded" in done.err
    assert not (tmp_path / "home").exists()
    assert not list((tmp_path / "scratch").glob("twin-eval-*"))


def test_a_kept_home_embeds_nothing_twice_and_follows_the_folder(twin, folder, tmp_path):
    kept = tmp_path / "kept"
    done = twin("eval", folder, "--keep", kept)
    assert done.code == 0, done.err
    assert "3 windows embedded" in done.err
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["setting", "nDCG@10", "recall@10"]
    assert [line.split()[0] for line in lines[1:7]] == SETTINGS
    assert max(map(len, lines[:7])) <= 80
    assert "1.000 ±.000" in lines[1]
    assert "not at hand" in lines[5]
    assert "2 questions, 1 more without judgements" in done.out
    assert "  empty is empty once it is cleaned" in lines

    again = twin("eval", folder, "--keep", kept, "--json")
    assert "0 windows embedded" in again.err
    before = json.loads(again.out)["results"]

    # a document that has left the collection is found no more
    write_dataset(folder, DOCUMENTS[1:], QUERIES[1:], [("q2", "mast", 1)])
    fewer = json.loads(twin("eval", folder, "--keep", kept, "--json").out)
    assert (fewer["documents"], fewer["queries"]) == (2, 1)
    write_dataset(folder)
    assert json.loads(twin("eval", folder, "--keep", kept, "--json").out)["results"][0] == {
        **before[0],
        "seconds_per_query": pytest.approx(before[0]["seconds_per_query"], abs=1000),
    }


def test_several_authors_are_partitions_of_their_own(twin, tmp_path):
    names = ["Ada Quill", "Ada Quill", ""]
    rows = [{**row, "author": name} for row, name in zip(DOCUMENTS, names, strict=True)]
    done = twin("eval", write_dataset(tmp_path / "bread", rows), "--keep", "kept", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["authors"] == 2
    indexes = tmp_path / "kept" / "indexes" / "faiss"
    assert {"ada-quill", "bread"} <= {path.name for path in indexes.iterdir()}


@pytest.mark.parametrize(
    ("author", "link"),
    [
        (Author("eve", "Eve"), None),  # somebody else
        (Author("bread", "Bread", sources=("https://bread.example",)), None),
        (Author("bread", "Bread"), "https://bread.example/rye"),
    ],
)
def test_a_home_that_somebody_uses_is_left_alone(twin, folder, tmp_path, author, link):
    twin("status")  # makes the home
    with closing(open_raw_store(load_settings(home=tmp_path / "home", _env_file=None))) as store:
        store.put_author(author)
        if link:
            store.upsert([raw_document(link, author=author.slug)])
    done = twin("eval", folder, "--keep", tmp_path / "home")
    assert done.code == 1
    assert f"documents of {author.slug} that are not of this collection" in done.err
    assert twin("status", "--json").out.count('"bread"') == (author.slug == "bread")


def test_a_question_longer_than_the_limit_is_asked_all_the_same(twin, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_MAX_QUESTION_CHARACTERS", "10")
    done = twin("eval", write_dataset(tmp_path / "bread"))
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", "{", "corpus.jsonl line 1: not JSON"),
        ("qrels.tsv", "q1\trye\tmuch", "qrels.tsv line 1: the score 'much'"),
    ],
)
def test_a_bad_line_is_one_line(twin, folder, name, content, message):
    (folder / name).write_text(content, encoding="utf-8")
    done = twin("eval", folder)
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert message in line


def test_a_collection_without_a_readable_document_says_why(twin, tmp_path):
    done = twin("eval", write_dataset(tmp_path / "bread", [EMPTY], QUERIES))
    assert done.code == 1
    assert "empty once it is cleaned" in done.err.splitlines()[-1]
