"""A home whose artifacts lie in an S3 bucket: built, found damaged, repaired, forgotten."""

import json

import pytest
from test_commands import line

from twin_assets.artifacts import author_files
from twin_assets.buckets import BucketPath

pytest_plugins = ["s3_servers"]

ADA = {"author": "Ada Quillfeather", "link": "https://example.com/a", "title": "Lamps"}
ASSETS = {"cleaned_documents", "chunks", "windows", "embeddings"}


@pytest.fixture
def folder(bucket: str, monkeypatch: pytest.MonkeyPatch) -> BucketPath:
    monkeypatch.setenv("TWIN_ARTIFACTS", bucket)
    return BucketPath(bucket)


def test_an_author_s_artifacts_live_and_end_in_the_bucket(twin, tmp_path, folder) -> None:
    document = tmp_path / "documents.jsonl"
    document.write_text(line(**ADA, text="The lamp is trimmed at dusk by the keeper's daughter."))
    assert twin("import", document).code == 0
    built = twin("build")
    assert built.code == 0, built.err
    assert {path.key for path in author_files(folder, "ada-quillfeather")} == {
        f"{asset}/ada-quillfeather.parquet" for asset in ASSETS
    }
    at_home = [path for path in (tmp_path / "home" / "artifacts").rglob("*") if path.is_file()]
    assert {path.parent.name for path in at_home} == {"vectors"}
    assert "keeper" in twin("ask", "Who trims the lamp?").out

    chunks = folder / "chunks" / "ada-quillfeather.parquet"
    chunks.unlink()
    (row,) = json.loads(twin("status", "--json").out)["authors"]
    assert "missing or damaged" in row["reason"]
    assert twin("build").code == 0
    assert chunks in author_files(folder, "ada-quillfeather")

    forgotten = twin("forget", "Ada Quillfeather", "--yes")
    assert forgotten.code == 0, forgotten.err
    assert author_files(folder, "ada-quillfeather") == []
