from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from builders import cleaned_document, unit_vectors
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from twin_assets.artifacts import (
    artifact_path,
    read_rows,
    read_vectors,
    write_rows,
    write_vectors,
)
from twin_assets.documents import CleanedDocument
from twin_assets.errors import StorageError


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Row:
    text: str
    number: int
    share: float
    color: Color
    note: str | None
    limit: int | None


rows = st.builds(
    Row,
    text=st.text(st.characters(codec="utf-8")),
    number=st.integers(-(2**63), 2**63 - 1),
    share=st.floats(allow_nan=False),
    color=st.sampled_from(Color),
    note=st.none() | st.text(st.characters(codec="utf-8")),
    limit=st.none() | st.integers(-(2**63), 2**63 - 1),
)


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(rows, max_size=5))
def test_rows_come_back_as_they_were(tmp_path: Path, written: list[Row]) -> None:
    path = artifact_path(tmp_path, "things", "ada")
    write_rows(path, Row, written)
    read = read_rows(path, Row)
    assert read == written
    assert all(isinstance(row.color, Color) for row in read)


def test_each_asset_and_author_has_a_file(tmp_path: Path) -> None:
    assert artifact_path(tmp_path, "chunks", "ada") == tmp_path / "chunks" / "ada.parquet"


def test_vectors_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "vectors.parquet"
    vectors = unit_vectors(700)
    ids = [str(number) for number in range(700)]
    write_vectors(path, ids, vectors)
    read_ids, read = read_vectors(path)
    assert read_ids == ids
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, vectors)


def test_no_vectors_keep_their_dimension(tmp_path: Path) -> None:
    path = tmp_path / "vectors.parquet"
    write_vectors(path, [], unit_vectors(0))
    ids, vectors = read_vectors(path)
    assert (ids, vectors.shape) == ([], (0, 8))


def test_reading_what_is_missing_broken_or_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with pytest.raises(StorageError, match=r"rows\.parquet cannot be read: .*twin build"):
        read_rows(path, Row)
    with pytest.raises(StorageError, match="cannot be read"):
        read_vectors(path)
    path.write_bytes(b"PAR1 this is no Parquet PAR1")
    with pytest.raises(StorageError, match="cannot be read"):
        read_rows(path, Row)
    write_rows(path, CleanedDocument, [cleaned_document("Words.")])
    with pytest.raises(StorageError, match="cannot be read"):
        read_rows(path, Row)


def test_a_cut_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_rows(path, CleanedDocument, [cleaned_document("Words.")])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StorageError, match="cannot be read"):
        read_rows(path, CleanedDocument)


@pytest.mark.parametrize("fault", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    path = tmp_path / "rows.parquet"
    before = [cleaned_document("Before.")]
    write_rows(path, CleanedDocument, before)
    whole = pq.write_table

    def fail(*args: object, **options: object) -> None:
        whole(*args, **options)
        raise fault

    monkeypatch.setattr(pq, "write_table", fail)
    expected = StorageError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_rows(path, CleanedDocument, [cleaned_document("After.")])
    assert read_rows(path, CleanedDocument) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot be written: .*TWIN_HOME\.$") as caught:
        write_rows(tmp_path / "file" / "rows.parquet", CleanedDocument, [])
    assert "\n" not in str(caught.value)
