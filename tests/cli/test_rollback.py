"""Back to an earlier index version, forward by a build, and answers as they were then."""

import json
from datetime import UTC, datetime

import dagster as dg
import pytest
from faults import flip
from test_commands import line

from twin_assets.assets import indexes
from twin_assets.gate import Verdict
from twin_assets.settings import load_settings
from twin_serving.catalog import open_instance

QUESTION = "What does rye dough want?"
OLD = "Rye dough wants a sour starter, because acid keeps its starch whole."
NEW = "Rye dough wants a long rest in the cold, and a good deal of salt beside."


@pytest.fixture
def write_and_build(twin, tmp_path):
    """Import the text as Ada's article, build, and return the version that is served then."""

    def run(text: str) -> str:
        path = tmp_path / "documents.jsonl"
        path.write_text(line(text=text), encoding="utf-8")
        assert twin("import", path).code == 0
        twin("build")
        return status(twin)["serving"]

    return run


def status(twin) -> dict[str, object]:
    (author,) = json.loads(twin("status", "--json").out)["authors"]
    return author


def found(twin, *options: str) -> list[tuple[str, str]]:
    passages = json.loads(twin("retrieve", QUESTION, "--json", *options).out)["passages"]
    return [(passage["chunk_id"], passage["text"]) for passage in passages]


def test_back_and_forward_again(twin, write_and_build):
    first = write_and_build(OLD)
    then = found(twin)
    assert OLD in then[0][1]
    moment = datetime.now(UTC).isoformat()
    second = write_and_build(NEW)
    assert NEW in found(twin)[0][1]
    assert found(twin, "--as-of", moment) == then
    assert NEW in found(twin, "--as-of", datetime.now(UTC).date().isoformat())[0][1]

    done = twin("rollback", "Ada Quillfeather")
    assert done.out.strip() == f"ada-quillfeather serves {first}; before it was {second}."
    assert found(twin) == then
    kept = status(twin)
    assert (kept["serving"], kept["pinned"], kept["versions"]) == (first, True, [second, first])
    assert f"serves {first}, rolled back; kept: {second}" in twin("status").out

    built = json.loads(twin("build", "--json").out)  # nothing new: what was chosen stays
    assert (built["current"], built["windows_embedded"]) == (["ada-quillfeather"], 0)
    assert status(twin)["serving"] == first

    assert json.loads(twin("rollback", "ada-quillfeather", "--to", second, "--json").out) == {
        "author": "ada-quillfeather",
        "index": "faiss",
        "before": first,
        "serves": second,
    }
    twin("rollback", "ada-quillfeather")
    third = write_and_build(OLD + " " + NEW)
    assert third > second
    assert not status(twin)["pinned"]


def test_dagster_shows_which_version_serves(twin, write_and_build, tmp_path):
    first, second = write_and_build(OLD), write_and_build(NEW)
    twin("rollback", "ada-quillfeather")
    instance = open_instance(load_settings(home=tmp_path / "home"))
    (record,) = instance.fetch_observations(dg.AssetKey("faiss_index"), limit=1).records
    observation = record.event_log_entry.asset_observation
    assert observation.partition == "ada-quillfeather"
    assert {name: value.value for name, value in observation.metadata.items()} == {
        "serves": first,
        "before": second,
    }


def test_a_crawl_that_changes_nothing_leaves_the_rollback(twin, write_and_build, tmp_path):
    first = write_and_build(OLD)
    write_and_build(NEW)
    twin("rollback", "ada-quillfeather")
    instance = open_instance(load_settings(home=tmp_path / "home"))
    from twin_assets.definitions import build_definitions
    from twin_assets.partitions import JOB

    job = build_definitions(load_settings(home=tmp_path / "home")).resolve_job_def(JOB)
    assert job.execute_in_process(instance=instance, partition_key="ada-quillfeather").success
    assert status(twin)["serving"] == first


def test_a_build_serves_the_newest_where_the_chosen_version_is_damaged(
    twin, write_and_build, tmp_path
):
    first, second = write_and_build(OLD), write_and_build(NEW)
    twin("rollback", "ada-quillfeather")
    versions = tmp_path / "home" / "indexes" / "faiss" / "ada-quillfeather" / "versions"
    flip(versions / first / "article_chunks_embedded.npy")
    reason = status(twin)["reason"]
    assert reason.startswith(f"faiss_index: it was rolled back to {first}, which may not answer: ")
    built = json.loads(twin("build", "--json").out)
    assert (built["built"], built["windows_embedded"]) == (["ada-quillfeather"], 0)
    now = status(twin)
    assert (now["serving"], now["pinned"], now["reason"]) == (second, False, None)
    assert NEW in found(twin)[0][1]


def test_a_version_that_the_gate_refused_is_not_gone_back_to(
    twin, write_and_build, tmp_path, monkeypatch
):
    first = write_and_build(OLD)
    with monkeypatch.context() as patch:
        patch.setattr(indexes, "index_holds_windows", lambda *_: Verdict(False, "refused"))
        assert write_and_build(NEW) == first
    third = write_and_build(OLD + " " + NEW)
    refused = status(twin)["versions"][1]
    named = twin("rollback", "ada-quillfeather", "--to", refused)
    assert (named.code, named.err) == (
        1,
        f"twin: Version {refused} of ada-quillfeather may not be served: no materialization "
        "vouches for it\n",
    )
    done = json.loads(twin("rollback", "ada-quillfeather", "--json").out)
    assert (done["before"], done["serves"]) == (third, first)
    assert OLD in found(twin)[0][1]
    none = twin("rollback", "ada-quillfeather")
    assert f"has no index version before {first} that may be served" in none.err


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["rollback", "ada-quillfeather"], "has no index version before", 1),
        (["rollback", "ada-quillfeather", "--to", "x"], "has no index version x", 1),
        (["rollback", "nobody"], "No index version of nobody is served", 1),
        (["ask", QUESTION, "--as-of", "2001-01-01"], "No index was served then", 1),
        (["ask", QUESTION, "--as-of", "yesterday"], "is not an ISO 8601 date", 2),
        (["build", "--index", "lance"], "'lance' is not one of", 2),
    ],
)
def test_what_cannot_be_is_one_clear_line(twin, write_and_build, arguments, said, code):
    write_and_build(OLD)
    done = twin(*arguments)
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err
