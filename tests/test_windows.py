import json

import pytest
from builders import chunk_of, cleaned_document
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import texts
from tokenizers import Tokenizer

from twin_assets.chunking import chunk_document
from twin_assets.documents import Category, Chunk
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.settings import PACKAGED_MODEL, load_settings
from twin_assets.windows import uncovered_tokens, window_chunk

MODEL = find_model(PACKAGED_MODEL)
TOKENIZER = load_tokenizer(MODEL.path)
# The model's tokenizer as its authors ship it, but for the cut that would hide what is too long.
REAL = Tokenizer.from_file(str(MODEL.path / "tokenizer.json"))
REAL.no_truncation()
REAL.no_padding()
DEFAULTS = load_settings(_env_file=None)


def model_reads(text: str) -> int:
    """Return the number of tokens that reach the model, [CLS] and [SEP] included."""
    return len(REAL.encode(text).ids)


def whole(text: str, title: str = "") -> Chunk:
    return chunk_of(cleaned_document(text), 0, len(text), title=title)


def test_the_limit_is_the_one_that_the_model_states() -> None:
    stated = json.loads((MODEL.path / "sentence_bert_config.json").read_text())
    assert stated["max_seq_length"] == MODEL.max_tokens + 2 == 256


@hypothesis_settings(max_examples=200, deadline=None)
@given(texts, st.just("") | texts, st.sampled_from([4, 20, 254]), st.integers(0, 40))
def test_windows_hold_every_token_and_none_is_too_long(
    text: str, title: str, size: int, overlap: int
) -> None:
    chunk = whole(text, title)
    windows = window_chunk(chunk, TOKENIZER, size, overlap)
    words = [token for window in windows for token in REAL.encode(window.reading).word_ids]
    longest = max((words.count(word) for word in set(words) - {None}), default=0)
    for window in windows:
        assert chunk.text[window.start : window.end] == window.text
        assert model_reads(window.reading) == window.tokens + 2
        assert window.tokens <= max(size, longest + size // 4)  # a title takes a quarter at most
        assert window.chunk_id == chunk.chunk_id
    assert uncovered_tokens(chunk, windows, TOKENIZER) == 0
    covered = {at for window in windows for at in range(window.start, window.end)}
    visible = {at for at, c in enumerate(text) if not c.isspace()}
    assert visible <= covered or count(text) == 0
    assert len({window.window_id for window in windows}) == len(windows)


def count(text: str) -> int:
    return model_reads(text) - 2


@hypothesis_settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from(Category), st.sampled_from(["a.py", "a.md", "a.xyz"]))
def test_from_document_to_model_nothing_is_cut_off(
    text: str, category: Category, path: str
) -> None:
    document = cleaned_document(text, category=category, path=path)
    for chunk in chunk_document(document, TOKENIZER, DEFAULTS):
        windows = window_chunk(chunk, TOKENIZER, MODEL.max_tokens, DEFAULTS.window_overlap)
        assert all(model_reads(window.reading) <= 256 for window in windows)
        assert all(window.reading.startswith("A title\n\n") for window in windows)
        assert uncovered_tokens(chunk, windows, TOKENIZER) == 0


def test_the_tokens_of_the_windows_are_the_tokens_of_the_chunk() -> None:
    chunk = whole(" ".join(f"Unbelievabletokenization{number}, yes!" for number in range(150)))
    windows = window_chunk(chunk, TOKENIZER, 254, 0)
    pieces = [
        token
        for window in windows
        for token in REAL.encode(window.text, add_special_tokens=False).tokens
    ]
    assert len(windows) > 3
    assert pieces == REAL.encode(chunk.text, add_special_tokens=False).tokens


def test_a_chunk_that_fits_is_one_window() -> None:
    (window,) = window_chunk(whole("word " * 254), TOKENIZER, 254, 32)
    assert (window.tokens, model_reads(window.text)) == (254, 256)


def test_one_token_more_makes_two_windows_of_even_length_that_overlap() -> None:
    one, other = window_chunk(whole("word " * 255), TOKENIZER, 254, 32)
    assert abs(one.tokens - other.tokens) <= 1
    assert one.tokens + other.tokens == 255 + 32
    assert other.start < one.end


def test_a_title_is_read_before_every_window_and_takes_its_room() -> None:
    windows = window_chunk(whole("word " * 600, "On rye bread"), TOKENIZER, 254, 32)
    assert len(windows) == 3
    for window in windows:
        assert window.reading == f"On rye bread\n\n{window.text}"
        assert window.tokens == 3 + count(window.text) <= 254


def test_a_title_longer_than_a_few_lines_is_cut_between_words() -> None:
    (window,) = window_chunk(whole("word", "bread " * 60), TOKENIZER, 254, 32)
    assert window.title == " ".join(["bread"] * 48)
    (tiny,) = window_chunk(whole("word", "bread " * 60), TOKENIZER, 8, 0)
    assert tiny.title == "bread bread"


def test_a_chunk_without_tokens_has_no_window() -> None:
    assert window_chunk(whole("\u200b"), TOKENIZER, 254, 32) == []


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_a_missing_window_is_noticed(left_out: int) -> None:
    chunk = whole("word " * 600)
    windows = window_chunk(chunk, TOKENIZER, 254, 32)
    assert len(windows) == 3
    assert uncovered_tokens(chunk, windows, TOKENIZER) == 0
    del windows[left_out]
    assert uncovered_tokens(chunk, windows, TOKENIZER) > 100
