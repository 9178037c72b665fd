from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import ADA, chunk_of, cleaned_document, partition, unit_vectors

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category
from twin_assets.gate import (
    GateError,
    Verdict,
    chunks_cover_text,
    index_holds_windows,
    vectors_are_sound,
    windows_hold_every_token,
)
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.settings import PACKAGED_MODEL
from twin_assets.stores.faiss import FaissStore
from twin_assets.windows import window_chunk

TOKENIZER = load_tokenizer(find_model(PACKAGED_MODEL).path)
DOCUMENT = cleaned_document("One two. Three four. Five six.")
CHUNKS = [chunk_of(DOCUMENT, 0, 8), chunk_of(DOCUMENT, 9, 20), chunk_of(DOCUMENT, 21, 30)]


def refused(verdict: Verdict, reason: str, **numbers: float) -> None:
    assert not verdict.passed
    with pytest.raises(GateError, match=reason):
        verdict.require()
    assert {name: verdict.numbers[name] for name in numbers} == numbers


def test_chunks_that_cover_the_text_pass() -> None:
    verdict = chunks_cover_text([DOCUMENT], CHUNKS)
    assert verdict.passed
    verdict.require()
    overlapping = [*CHUNKS, chunk_of(DOCUMENT, 4, 12)]
    assert chunks_cover_text([DOCUMENT], overlapping[::-1]).passed
    assert chunks_cover_text([cleaned_document(" \n")], []).passed
    assert chunks_cover_text([], []).passed


@pytest.mark.parametrize(("missing", "lost"), [(0, 7), (1, 10), (2, 8)])
def test_a_chunk_that_is_missing_is_counted_in_characters(missing: int, lost: int) -> None:
    rest = CHUNKS[:missing] + CHUNKS[missing + 1 :]
    verdict = chunks_cover_text([DOCUMENT], rest)
    refused(verdict, f"{lost} characters stand in no chunk", lost_characters=lost, wrong_spans=0)


def test_a_text_that_is_not_the_span_s_is_refused() -> None:
    wrong = [replace(CHUNKS[0], text="One too."), *CHUNKS[1:]]
    refused(chunks_cover_text([DOCUMENT], wrong), "1 chunks have a wrong span", wrong_spans=1)


def test_chunks_of_another_document_cover_nothing() -> None:
    other = cleaned_document(DOCUMENT.text, link="https://example.com/other")
    refused(chunks_cover_text([DOCUMENT, other], CHUNKS), "characters", lost_characters=25)


def test_windows_that_hold_every_token_pass_and_each_is_needed() -> None:
    document = cleaned_document("word " * 600)
    chunk = chunk_of(document, 0, len(document.text))
    windows = window_chunk(chunk, TOKENIZER, 254, 32)
    assert windows_hold_every_token([chunk], windows, TOKENIZER, 254).passed
    verdict = windows_hold_every_token([chunk], windows[1:], TOKENIZER, 254)
    refused(verdict, "tokens stand in no window", windows=len(windows) - 1, windows_over_limit=0)
    refused(windows_hold_every_token([chunk], [], TOKENIZER, 254), "600 tokens", lost_tokens=600)


def test_a_window_over_the_limit_is_refused() -> None:
    document = cleaned_document("word " * 300)
    chunk = chunk_of(document, 0, len(document.text))
    windows = window_chunk(chunk, TOKENIZER, 300, 32)
    refused(
        windows_hold_every_token([chunk], windows, TOKENIZER, 254),
        "1 windows are over 254 tokens",
        windows_over_limit=1,
        lost_tokens=0,
    )


def test_sound_vectors_pass() -> None:
    windows = partition(windows_of_chunks=[(Category.POST, 5)]).windows
    ids = [window.window_id for window in windows]
    assert vectors_are_sound(windows, ids, unit_vectors(5)).passed
    assert vectors_are_sound([], [], unit_vectors(0)).passed


@pytest.mark.parametrize(
    ("value", "reason", "number"),
    [
        (np.nan, "1 vectors are not finite", "not_finite"),
        (np.inf, "1 vectors are not finite", "not_finite"),
        (2.0, "1 are not of length 1", "not_normalized"),
    ],
)
def test_one_unsound_vector_is_refused(value: float, reason: str, number: str) -> None:
    windows = partition(windows_of_chunks=[(Category.POST, 5)]).windows
    vectors = unit_vectors(5)
    vectors[3, 2] = value
    verdict = vectors_are_sound(windows, [window.window_id for window in windows], vectors)
    refused(verdict, reason, **{number: 1})


def test_a_zero_vector_is_refused() -> None:
    windows = partition().windows
    verdict = vectors_are_sound(windows, [windows[0].window_id], unit_vectors(1) * 0)
    refused(verdict, "1 are not of length 1")


def test_vectors_must_stand_for_the_windows_one_by_one() -> None:
    windows = partition(windows_of_chunks=[(Category.POST, 3)]).windows
    ids = [window.window_id for window in windows]
    for wrong_ids, rows in [(ids[::-1], 3), (ids[:2], 2), (ids, 2), ([*ids, "more"], 4)]:
        verdict = vectors_are_sound(windows, wrong_ids, unit_vectors(rows))
        refused(verdict, "do not stand for the 3 windows", vectors=rows)


def test_an_index_is_judged_by_its_files_and_its_rows(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    mixed = [(Category.ARTICLE, 2), (Category.POST, 3), (Category.REPOSITORY, 1)]
    part = partition(windows_of_chunks=mixed)
    version = store.publish(part).version
    ids, vectors = [window.window_id for window in part.windows], part.vectors

    def judged(ids: list[str], vectors: Vectors, version: str = version) -> Verdict:
        return index_holds_windows(store, ADA.slug, version, ids, vectors)

    assert judged(ids, vectors).passed
    assert judged(ids[::-1], vectors[::-1]).passed  # the order is the store's own
    more = judged([*ids, "x"], np.concatenate([vectors, vectors[:1]]))
    refused(more, "holds 6 of 7 windows", indexed=6)
    refused(judged([*ids[:5], "x"], vectors), "lacks 1 of 6 windows")
    refused(judged(ids, -vectors), "6 of 6 vectors in the index are not", other_vectors=6)
    refused(judged(ids, vectors[[1, 0, 2, 3, 4, 5]]), "2 of 6 vectors", other_vectors=2)
    for value, others in ((vectors * 1.1, 6), (vectors * np.nan, 6), (vectors * 1.01, 0)):
        assert judged(ids, value).numbers["other_vectors"] == others
    (tmp_path / "ada" / "versions" / version / "chunks.arrow").unlink()
    refused(judged(ids, vectors), "does not match its checksum")
    refused(judged(ids, vectors, "nowhere"), "no readable manifest")
