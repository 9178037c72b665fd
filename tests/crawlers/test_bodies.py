"""Bodies are unpacked and counted while they come, however they are cut into pieces."""

import gzip
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_assets.crawlers.http.bodies import unpacked
from twin_assets.crawlers.http.faults import FetchError, Reason

CONTENT = b"some words, " * 20_000


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize("after", [b"", b"\0" * 20])
def test_gzip_in_pieces_of_any_size(size: int, after: bytes) -> None:
    packed = gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]) + after
    assert b"".join(unpacked(pieces(packed, size), "gzip", len(CONTENT))) == CONTENT


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 4000), st.sampled_from(["", "gzip"]))
def test_a_body_up_to_the_limit_comes_whole_and_a_larger_one_is_cut(
    body: bytes, limit: int, encoding: str
) -> None:
    packed = gzip.compress(body) if encoding else body
    got = b""
    try:
        for piece in unpacked(pieces(packed, 100), encoding, limit):
            got += piece
    except FetchError as error:
        assert error.reason is Reason.TOO_LARGE
        assert max(len(body), len(packed)) > limit
        assert body.startswith(got)
    else:
        assert got == body
        assert len(body) <= limit


def test_what_a_bomb_unpacks_to_is_never_in_memory_at_once() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    sizes = []
    with pytest.raises(FetchError):
        for piece in unpacked([bomb], "gzip", 1_000_000):
            sizes.append(len(piece))
    assert max(sizes) <= 65_536
    assert sum(sizes) == 1_000_000


def test_packed_bytes_count_as_well() -> None:
    def nothing() -> Iterable[bytes]:
        while True:
            yield gzip.compress(b"")

    with pytest.raises(FetchError) as caught:
        list(unpacked(nothing(), "gzip", 10_000))
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_that_was_not_asked_for(encoding: str) -> None:
    with pytest.raises(FetchError) as caught:
        list(unpacked([b"x"], encoding, 100))
    assert caught.value.reason is Reason.BROKEN


@pytest.mark.parametrize("cut", [1, 8, 9, 20])
def test_a_packed_body_that_ends_too_soon(cut: int) -> None:
    with pytest.raises(FetchError) as caught:
        list(unpacked([gzip.compress(CONTENT)[:-cut]], "gzip", len(CONTENT)))
    assert caught.value.reason is Reason.BROKEN
