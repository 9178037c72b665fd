import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import build_tiny_model

from twin_assets import embedding
from twin_assets.artifacts import Vectors
from twin_assets.embedding import (
    Embedder,
    batches_by_length,
    cpu_flags,
    embedder_for,
    get_embedder,
    has_bfloat16,
)
from twin_assets.errors import ModelError
from twin_assets.model_folder import PACKAGED_SHA256, ModelFolder, find_model
from twin_assets.settings import PACKAGED_MODEL, load_settings

# Short and long by turns, so that sorting by length changes the order; one beyond the limit.
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "word " * 250,
    "",
    "Rye bread wants a sour dough. " * 12,
    "日本語のテキスト 🎉",
    "word " * 600,
    "RAG",
    "How do I stream vectors into an index while readers search it? " * 4,
]
TINY_TEXTS = ["the fox", "the quick brown fox jumps over the lazy dog", "", "dog " * 60, "zebra"]


def cosines(one: Vectors, other: Vectors) -> Vectors:
    product: Vectors = (one * other).sum(axis=1)
    return product


@pytest.fixture(scope="module")
def reference() -> Vectors:
    """Return what SentenceTransformer itself makes of the texts."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_model(PACKAGED_MODEL).path), device="cpu")
    vectors: Vectors = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    return vectors


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build_tiny_model(folder)
    return folder


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 4096))
def test_batches_hold_every_index_once_and_stay_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    batches = list(batches_by_length(lengths, budget))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(batches)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
    in_order = [lengths[index] for batch in batches for index in batch]
    assert in_order == sorted(lengths, reverse=True)


def test_float32_equals_sentence_transformers(reference: Vectors) -> None:
    embedder = get_embedder(PACKAGED_MODEL, "float32")
    vectors = embedder.encode(TEXTS)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(TEXTS), embedder.dimension))
    assert cosines(vectors, reference).min() > 0.9999
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.skipif(not has_bfloat16(), reason="the processor has no bfloat16 instructions")
def test_bfloat16_stays_near_float32(reference: Vectors) -> None:
    vectors = get_embedder(PACKAGED_MODEL, "bfloat16").encode(TEXTS)
    assert vectors.dtype == np.float32
    assert cosines(vectors, reference).min() >= 0.9995
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_has_one_vector_whatever_stands_beside_it() -> None:
    embedder = get_embedder(PACKAGED_MODEL, "float32")
    some = [text for text in TEXTS if len(text) < 300]
    together = embedder.encode(some)
    alone = np.concatenate([embedder.encode([text]) for text in some])
    assert cosines(together, alone).min() > 0.9999


def test_progress_counts_every_text(tiny: Path) -> None:
    done: list[int] = []
    Embedder(find_model(str(tiny)), "float32").encode(["dog " * 28] * 200 + ["fox"], done.append)
    assert sum(done) == 201
    assert len(done) > 1


def test_the_dimension_is_known_before_the_model_is_loaded(tiny: Path) -> None:
    for name, dimension in ((PACKAGED_MODEL, 384), (str(tiny), 16)):
        embedder = Embedder(find_model(name), "float32")
        assert embedder.dimension == dimension
        assert embedder._model is None
        assert embedder._load().get_embedding_dimension() == dimension


def test_a_model_of_other_parts_is_loaded_to_know_its_dimension(tiny: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense

    model = SentenceTransformer(str(tiny), device="cpu")
    model.append(Dense(16, 5))
    model.save(str(tmp_path / "dense"))
    folder = find_model(str(tmp_path / "dense"))
    assert folder.dimension() is None
    assert Embedder(folder, "float32").dimension == 5


def test_nothing_gives_no_vectors() -> None:
    embedder = get_embedder(PACKAGED_MODEL, "float32")
    assert embedder.encode([]).shape == (0, 384)
    assert embedder.encode_tokens([]) == []


def test_token_vectors_are_those_of_the_text_s_own_tokens() -> None:
    embedder = get_embedder(PACKAGED_MODEL, "float32")
    short, empty, long, cut = embedder.encode_tokens(["A fox.", "", "word " * 200, "word " * 600])
    shapes = [vectors.shape for vectors in (short, empty, long, cut)]
    assert shapes == [(3, 384), (0, 384), (200, 384), (254, 384)]
    for vectors in (short, long):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    (alone,) = embedder.encode_tokens(["A fox."])
    assert cosines(short, alone).min() > 0.9999


def test_a_process_has_one_embedder_a_model_and_precision() -> None:
    default = load_settings(embedding_precision="float32", _env_file=None)
    assert embedder_for(default) is get_embedder(PACKAGED_MODEL, "float32")
    assert embedder_for(default) is not get_embedder(PACKAGED_MODEL, "bfloat16")


def test_threads_that_start_together_get_the_same_vectors(tiny: Path) -> None:
    embedder = Embedder(find_model(str(tiny)), "float32")
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(lambda _: embedder.encode(TINY_TEXTS), range(4))
    assert all((other == first).all() for other in others)


def test_the_fingerprint_tells_models_and_precisions_apart(tiny: Path) -> None:
    packaged = get_embedder(PACKAGED_MODEL, "float32")
    fingerprints = {
        packaged.fingerprint,
        get_embedder(PACKAGED_MODEL, "bfloat16").fingerprint,
        Embedder(find_model(str(tiny)), "float32").fingerprint,
    }
    assert len(fingerprints) == 3
    assert packaged.fingerprint == f"{PACKAGED_SHA256[:32]}-float32"


def test_precision_follows_the_processor_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = find_model(PACKAGED_MODEL)
    for has, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(embedding, "has_bfloat16", lambda has=has: has)
        assert Embedder(folder, "auto").precision == precision
        assert Embedder(folder, "bfloat16").precision == "bfloat16"
        assert Embedder(folder, "float32").precision == "float32"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("avx512f avx512_bf16", True), ("amx_bf16", True), ("asimd bf16", True), ("avx2", False)],
)
def test_bfloat16_needs_the_instructions(
    flags: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(embedding, "cpu_flags", lambda: frozenset(flags.split()))
    assert has_bfloat16() is expected


def test_the_processor_s_flags_are_read() -> None:
    assert cpu_flags() or not Path("/proc/cpuinfo").is_file()


def test_a_model_folder_of_one_s_own_is_used(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentence_transformers import SentenceTransformer

    monkeypatch.setenv("TWIN_EMBEDDING_MODEL", str(tiny))
    monkeypatch.setenv("TWIN_EMBEDDING_PRECISION", "float32")
    embedder = embedder_for(load_settings(_env_file=None))
    assert (embedder.max_tokens, embedder.dimension) == (28, 16)
    expected = SentenceTransformer(str(tiny), device="cpu").encode(
        TINY_TEXTS, normalize_embeddings=True, show_progress_bar=False
    )
    assert cosines(embedder.encode(TINY_TEXTS), expected).min() > 0.9999
    assert [len(vectors) for vectors in embedder.encode_tokens(TINY_TEXTS)] == [2, 9, 0, 28, 5]


def test_wrong_packaged_weights_are_refused_before_they_are_read(tmp_path: Path) -> None:
    official = find_model(PACKAGED_MODEL)
    changed = shutil.copytree(official.path, tmp_path / "model")
    with (changed / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    embedder = Embedder(ModelFolder(PACKAGED_MODEL, changed, official.max_tokens), "float32")
    with pytest.raises(ModelError, match="not the official all-MiniLM-L6-v2"):
        embedder.encode(["word"])


@pytest.mark.parametrize("spoiled", ["model.safetensors", "modules.json"])
def test_a_folder_that_is_no_model_is_one_clear_line(
    spoiled: str, tiny: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(tiny, tmp_path / "broken")
    (broken / spoiled).write_bytes(b"{ spoiled")
    embedder = Embedder(find_model(str(broken)), "float32")
    with pytest.raises(ModelError, match=r"cannot be loaded: .*TWIN_EMBEDDING_MODEL") as caught:
        embedder.encode(["the fox"])
    assert "\n" not in str(caught.value)


def test_an_unknown_model_is_one_line_that_names_the_setting() -> None:
    settings = load_settings(embedding_model="no-such-owner/no-such-model", _env_file=None)
    with pytest.raises(ModelError, match=r"^TWIN_EMBEDDING_MODEL=no-such-owner/no-such-model is"):
        embedder_for(settings)
