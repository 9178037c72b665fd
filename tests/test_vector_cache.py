from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from builders import unit_vectors

from twin_assets.artifacts import Vectors
from twin_assets.documents import digest
from twin_assets.errors import StorageError
from twin_assets.vector_cache import VectorCache, count_unused, forget_unused


def some(number: int, seed: int = 0) -> dict[str, Vectors]:
    names = [digest(str(at)) for at in range(number)]
    return dict(zip(names, unit_vectors(number, seed), strict=True))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "vectors", "model-float32", 8)) as cache:
        yield cache


def test_vectors_come_back_bit_for_bit_also_after_reopening(
    cache: VectorCache, tmp_path: Path
) -> None:
    vectors = some(1203)
    cache.put(vectors)
    with closing(VectorCache(tmp_path / "vectors", "model-float32", 8)) as again:
        found = again.get([*vectors, digest("unknown")])
    assert found.keys() == vectors.keys()
    for text_hash, vector in vectors.items():
        assert found[text_hash].dtype == np.float32
        np.testing.assert_array_equal(found[text_hash], vector)


def test_nothing_asked_and_nothing_put_is_nothing_found(cache: VectorCache) -> None:
    cache.put({})
    assert cache.get([]) == {}
    assert cache.get(list(some(3))) == {}


def test_the_last_vector_of_a_text_counts(cache: VectorCache) -> None:
    cache.put(some(1, seed=1))
    cache.put(some(1, seed=2))
    (found,) = cache.get(list(some(1))).values()
    np.testing.assert_array_equal(found, unit_vectors(1, seed=2)[0])


def test_two_models_share_nothing(cache: VectorCache, tmp_path: Path) -> None:
    cache.put(some(2))
    with closing(VectorCache(tmp_path / "vectors", "model-bfloat16", 8)) as other:
        assert other.get(list(some(2))) == {}
    assert len(cache.get(list(some(2)))) == 2


def test_a_vector_of_another_dimension_is_computed_again(
    cache: VectorCache, tmp_path: Path
) -> None:
    cache.put(some(2))
    with closing(VectorCache(tmp_path / "vectors", "model-float32", 16)) as other:
        assert other.get(list(some(2))) == {}


def test_two_processes_may_have_it_open(cache: VectorCache, tmp_path: Path) -> None:
    with closing(VectorCache(tmp_path / "vectors", "model-float32", 8)) as other:
        other.put(some(2))
        assert len(cache.get(list(some(2)))) == 2


def test_a_broken_file_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "model.db").write_text("no database\n" * 500)
    with pytest.raises(StorageError, match=r"model\.db cannot be used: .*delete the file") as fault:
        VectorCache(tmp_path, "model", 8)
    assert "\n" not in str(fault.value)


def test_a_file_that_breaks_later_is_reported_too(tmp_path: Path) -> None:
    with closing(VectorCache(tmp_path, "model", 8)) as cache:
        cache.put(some(2000))
    content = (tmp_path / "model.db").read_bytes()
    (tmp_path / "model.db").write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with (
        closing(VectorCache(tmp_path, "model", 8)) as cache,
        pytest.raises(StorageError, match="cannot be used"),
    ):
        cache.get(list(some(2000)))


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be used"):
        VectorCache(tmp_path / "file" / "vectors", "model", 8)


def test_vectors_that_no_text_needs_go_from_every_cache_and_from_its_bytes(tmp_path: Path) -> None:
    vectors = some(400)
    used, unused = list(vectors)[:100], list(vectors)[100:]
    for model in ("one", "other"):
        with closing(VectorCache(tmp_path, model, 8)) as cache:
            cache.put(vectors)
    assert count_unused(tmp_path, set(used)) == 600
    forget_unused(tmp_path, set(used))
    assert count_unused(tmp_path, set(used)) == 0
    for model in ("one", "other"):
        content = (tmp_path / f"{model}.db").read_bytes()
        assert not [key for key in unused if bytes.fromhex(key) in content]
        with closing(VectorCache(tmp_path, model, 8)) as cache:
            assert sorted(cache.get(list(vectors))) == sorted(used)


def test_a_folder_without_a_cache_has_nothing_unused(tmp_path: Path) -> None:
    assert count_unused(tmp_path / "vectors", set()) == 0
    forget_unused(tmp_path / "vectors", set())


def test_a_broken_cache_is_one_line_when_vectors_are_to_go(tmp_path: Path) -> None:
    (tmp_path / "model.db").write_text("no database\n" * 500)
    with pytest.raises(StorageError, match=r"model\.db cannot be used: .*delete the file"):
        forget_unused(tmp_path, set())
