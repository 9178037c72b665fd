import itertools

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.settings import PACKAGED_MODEL
from twin_assets.tokens import Units, pack, tokenize

TOKENIZER = load_tokenizer(find_model(PACKAGED_MODEL).path)


def units_of(tokens: list[int]) -> Units:
    starts = tuple(range(0, 2 * len(tokens), 2))
    return Units(starts, tuple(start + 1 for start in starts), tuple(tokens))


def test_words_and_marks_are_units_with_their_places() -> None:
    units = tokenize(TOKENIZER, "  An unbelievabletokenization, yes!")
    spans = list(zip(units.starts, units.ends, strict=True))
    assert spans == [(2, 4), (5, 29), (29, 30), (31, 34), (34, 35)]
    assert units.tokens[1] > 1
    assert units.total == len(
        TOKENIZER.encode("An unbelievabletokenization, yes!", add_special_tokens=False)
    )


def test_every_chinese_character_is_a_unit() -> None:
    assert len(tokenize(TOKENIZER, "機械学習").tokens) == 4


@pytest.mark.parametrize("text", ["", "   \n", "\x00\u200d", "\u0301"])
def test_a_text_without_tokens_has_no_units(text: str) -> None:
    units = tokenize(TOKENIZER, text)
    assert (units.total, units.starts) == (0, ())
    assert list(pack(units, 10, 2)) == []


@pytest.mark.parametrize("text", ["a \u302e\u0591 b", "a \u302e\x00\u0591 b", "字\u302e\u0591 b"])
def test_marks_that_normalization_reorders_stay_one_unit(text: str) -> None:
    units = tokenize(TOKENIZER, text)
    assert text[units.starts[1]] == "\u302e"
    assert len(units.tokens) == 3


def test_count_takes_the_words_that_start_in_the_span() -> None:
    units = units_of([1, 2, 3])
    assert [units.count(0, 6), units.count(0, 2), units.count(1, 3), units.count(5, 9)] == [
        6,
        1,
        2,
        0,
    ]


@hypothesis_settings(deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=120),
    st.integers(1, 40),
    st.integers(0, 39),
)
def test_ranges_cover_all_stay_small_and_always_move_on(
    tokens: list[int], size: int, overlap: int
) -> None:
    overlap = min(overlap, size - 1)
    ranges = list(pack(units_of(tokens), size, overlap))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == len(tokens)
    for first, last in ranges:
        assert last - first == 1 or sum(tokens[first:last]) <= size
    for (first, last), (next_first, next_last) in itertools.pairwise(ranges):
        assert first < next_first <= last < next_last
        assert sum(tokens[next_first:last]) <= overlap


@given(st.integers(1, 2000), st.integers(8, 300), st.floats(0, 0.5))
def test_ranges_are_as_few_as_can_be_of_even_length_and_share_the_overlap(
    count: int, size: int, share: float
) -> None:
    overlap = int(size * share)
    ranges = list(pack(units_of([1] * count), size, overlap))
    lengths = [last - first for first, last in ranges]
    assert len(ranges) == max(1, -(-(count - overlap) // (size - overlap)))
    assert max(lengths) - min(lengths) <= len(lengths)
    shared = [last - next_first for (_, last), (next_first, _) in itertools.pairwise(ranges)]
    assert set(shared) <= {overlap}


def test_a_word_beyond_the_size_stands_alone() -> None:
    assert list(pack(units_of([1, 9, 1]), 4, 1)) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize("overlap", [4, 5])
def test_an_overlap_that_is_not_smaller_than_the_size_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="must be smaller"):
        list(pack(units_of([1]), 4, overlap))
