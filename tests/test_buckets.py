"""Artifacts in an S3 bucket: the same functions, over a real socket to a server of its kind."""

from pathlib import Path

import numpy as np
import pytest
from builders import cleaned_document
from free_ports import free_port

from twin_assets.artifacts import (
    artifact_path,
    asset_files,
    author_files,
    is_readable,
    read_rows,
    read_vectors,
    remove,
    write_rows,
    write_vectors,
)
from twin_assets.buckets import BucketPath, is_unanswered
from twin_assets.documents import Chunk, CleanedDocument
from twin_assets.errors import BadInputError, StorageError, StorageUnavailableError
from twin_assets.settings import TwinSettings, load_settings

pytest_plugins = ["s3_servers"]


@pytest.fixture
def folder(bucket: str) -> BucketPath:
    return BucketPath(bucket)


def test_what_is_written_is_read(folder: BucketPath) -> None:
    path = artifact_path(folder, "cleaned_documents", "ada")
    assert not is_readable(path)
    for words in ("Before.", "After."):
        rows = [cleaned_document(words)]
        write_rows(path, CleanedDocument, rows)
        assert read_rows(path, CleanedDocument) == rows
    assert is_readable(path)


def test_vectors_too(folder: BucketPath) -> None:
    path = artifact_path(folder, "embeddings", "ada")
    rows = np.eye(4, 3, dtype=np.float32)
    write_vectors(path, list("abcd"), rows)
    ids, read = read_vectors(path)
    assert ids == list("abcd")
    assert np.array_equal(read, rows)


def test_a_file_that_is_damaged_or_of_other_rows_is_said(folder: BucketPath) -> None:
    import pyarrow as pa

    path = artifact_path(folder, "chunks", "ada")
    assert isinstance(path, BucketPath)
    with pytest.raises(StorageError, match=r"^s3://[^?]+/twin/chunks/ada\.parquet cannot be read"):
        read_rows(path, Chunk)
    write_rows(path, CleanedDocument, [cleaned_document("Words.")])
    with pytest.raises(StorageError, match="cannot be read"):
        read_rows(path, Chunk)
    path.write(pa.py_buffer(b"PAR1 and no more"))
    assert not is_readable(path)


def test_a_write_that_fails_leaves_the_file_as_it_was(
    folder: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = artifact_path(folder, "cleaned_documents", "ada")
    before = [cleaned_document("Before.")]
    write_rows(path, CleanedDocument, before)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr("twin_assets.artifacts.pq.write_table", full)
        with pytest.raises(StorageError, match="cannot be written: broken off"):
            write_rows(path, CleanedDocument, [cleaned_document("After.")])
    assert read_rows(path, CleanedDocument) == before


def test_an_author_s_files_are_found_and_removed(folder: BucketPath) -> None:
    for asset in ("cleaned_documents", "chunks"):
        for author in ("ada", "ada-b", "bob"):
            write_rows(artifact_path(folder, asset, author), CleanedDocument, [])
    assert len(asset_files(folder, "chunks")) == 3
    assert author_files(folder, "ada") == [
        artifact_path(folder, asset, "ada") for asset in ("chunks", "cleaned_documents")
    ]
    for path in author_files(folder, "ada"):
        remove(path)
        remove(path)  # twice does no harm
    assert author_files(folder, "ada") == []
    assert len(asset_files(folder, "chunks")) == 2
    assert author_files(folder / "nothing", "ada") == []


def test_a_bucket_that_cannot_be_reached_is_one_line_without_keys(bucket: str) -> None:
    address = bucket.rpartition("=")[2]
    gone = BucketPath(bucket.replace(address, f"127.0.0.1:{free_port()}"))
    path = artifact_path(gone, "chunks", "ada")
    with pytest.raises(StorageUnavailableError, match=r"Check TWIN_ARTIFACTS") as caught:
        write_rows(path, CleanedDocument, [])
    assert "hunter2" not in str(caught.value)
    with pytest.raises(StorageUnavailableError, match=r"Check TWIN_ARTIFACTS"):
        read_rows(path, CleanedDocument)


@pytest.mark.parametrize(
    ("fault", "may_answer_later"),
    [
        ("SLOW_DOWN during PutObject operation: Please reduce your request rate.", True),
        ("UNKNOWN (HTTP status 503) during HeadObject operation: No response body.", True),
        ("ACCESS_DENIED during HeadObject operation: No response body.", False),
        ("NO_SUCH_BUCKET during PutObject operation: SLOW_DOWN is no bucket.", False),
    ],
)
def test_a_server_that_is_busy_is_asked_again_and_one_that_says_no_is_not(
    fault: str, may_answer_later: bool
) -> None:
    assert is_unanswered(OSError(f"When writing: AWS Error {fault}")) is may_answer_later


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("gs://bucket/twin", "s3://BUCKET"),
        ("s3://", "s3://BUCKET"),
        ("s3://key:hunter2@bucket/twin", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket/twin?secret_key=hunter2", "its options are"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line(url: str, reason: str) -> None:
    with pytest.raises(
        BadInputError, match=f"^TWIN_ARTIFACTS cannot be used: .*{reason}"
    ) as caught:
        load_settings(artifacts=url, _env_file=None)
    assert "hunter2" not in str(caught.value)


def test_the_setting_names_where_artifacts_rest(settings: TwinSettings, bucket: str) -> None:
    assert isinstance(settings.artifacts_path, Path)
    other = settings.model_copy(update={"artifacts": bucket})
    assert other.artifacts_path == BucketPath(bucket)
    assert other.vectors_path == settings.vectors_path
