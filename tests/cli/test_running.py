"""`twin run`: the jobs by their names, for those who are named, whatever their state."""

import json
from pathlib import Path

import pytest


def line(author: str, text: str) -> str:
    document = {
        "author": author,
        "platform": "blog",
        "category": "article",
        "link": f"https://example.com/{author}",
        "title": "Words",
        "text": text,
    }
    return json.dumps(document) + "\n"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl"
    words = "Rye dough wants a sour starter, because acid keeps its starch whole."
    path.write_text(line("Ada", words) + line("Bob", words + " And salt."), encoding="utf-8")
    return path


def states(twin) -> dict[str, dict[str, str]]:
    rows = json.loads(twin("status", "--json").out)["authors"]
    return {row["slug"]: row["assets"] for row in rows}


def test_the_jobs_one_after_the_other_and_at_once(twin, documents):
    twin("import", documents)
    done = twin("run", "digital_data_etl", "--author", "Ada")
    assert done.code == 0
    assert done.out.startswith("digital_data_etl ran for ada.")
    assert states(twin)["ada"]["raw_documents"] == "current"
    assert set(states(twin)["bob"].values()) == {"missing"}

    done = twin("run", "feature_engineering", "--author", "Ada")
    assert "feature_engineering ran for ada." in done.out
    assert "1 window embedded." in done.out
    assert set(states(twin)["ada"].values()) == {"current"}
    again = json.loads(twin("run", "end_to_end_data", "--json").out)
    assert (again["built"], again["windows_embedded"]) == (["ada", "bob"], 1)
    assert len(again["run_ids"]) == 1
    assert twin("ask", "What does rye dough want?").code == 0


def test_an_author_who_fails_stops_nobody(twin, documents):
    documents.write_text(documents.read_text() + line("Cleo", "  "), encoding="utf-8")
    twin("import", documents)
    done = twin("run", "end_to_end_data")
    assert done.code == 1
    assert "end_to_end_data ran for ada, bob." in done.out
    assert "cleo failed: No document of cleo can be indexed" in done.err
    assert set(states(twin)["bob"].values()) == {"current"}


def test_what_is_no_job_is_wrong_usage(twin):
    assert twin("run", "training").code == 2
