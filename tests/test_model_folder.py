import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_model import build_tiny_model

from twin_assets.errors import ModelError
from twin_assets.model_folder import (
    PACKAGED_SHA256,
    ModelFolder,
    find_model,
    load_tokenizer,
)
from twin_assets.settings import PACKAGED_MODEL


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build_tiny_model(folder)
    return folder


@pytest.fixture
def own(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may spoil."""
    return shutil.copytree(tiny, tmp_path / "own")


def test_the_packaged_model_is_the_official_one() -> None:
    model = find_model(PACKAGED_MODEL)
    assert model.max_tokens == 254
    assert model.weights_sha256() == PACKAGED_SHA256
    assert hashlib.sha256((model.path / "model.safetensors").read_bytes()).hexdigest() == (
        PACKAGED_SHA256
    )


def test_packaged_weights_with_one_other_byte_are_refused(tmp_path: Path) -> None:
    official = find_model(PACKAGED_MODEL)
    content = bytearray((official.path / "model.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    changed = ModelFolder(PACKAGED_MODEL, tmp_path, official.max_tokens)
    with pytest.raises(ModelError, match=r"not the official all-MiniLM-L6-v2\. Reinstall") as fault:
        changed.weights_sha256()
    assert "\n" not in str(fault.value)


def test_a_folder_is_found_with_the_limit_that_sentence_transformers_sees(tiny: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = find_model(str(tiny))
    assert model.path == tiny
    assert model.max_tokens + 2 == SentenceTransformer(str(tiny), device="cpu").max_seq_length == 30
    assert model.weights_sha256() != PACKAGED_SHA256


@pytest.mark.parametrize(
    ("sentence", "positions", "tokenizer", "limit"),
    [
        (20, 64, 30, 20),
        (None, 64, 30, 30),
        (None, 28, 30, 28),
        (None, 64, 10**30, 64),
        (None, None, 30, 30),
    ],
)
def test_where_the_limit_comes_from(
    own: Path, sentence: int | None, positions: int | None, tokenizer: int, limit: int
) -> None:
    for name, field, value in [
        ("sentence_bert_config.json", "max_seq_length", sentence),
        ("config.json", "max_position_embeddings", positions),
        ("tokenizer_config.json", "model_max_length", tokenizer),
    ]:
        fields = json.loads((own / name).read_text())
        (own / name).write_text(json.dumps({**fields, field: value}))
    assert find_model(str(own)).max_tokens == limit - 2


def no_limit(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "tokenizer_config.json").unlink()


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


SPOILED = [
    (no_weights, r"holds no \*\.safetensors weights"),
    (no_limit, "does not say how many tokens its model reads"),
    (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer.json"),
    (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json cannot be read"),
    (lambda folder: (folder / "config.json").write_text("{"), "config.json is not a JSON object"),
    (lambda folder: (folder / "config.json").write_text("[]"), "config.json is not a JSON object"),
]


@pytest.mark.parametrize(("spoil", "reason"), SPOILED)
def test_a_folder_that_lacks_something_is_one_line(
    own: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    spoil(own)
    with pytest.raises(ModelError, match=reason) as caught:
        find_model(str(own))
    assert "\n" not in str(caught.value)
    assert str(own) in str(caught.value)


@pytest.mark.parametrize(
    "name", ["no-such-owner/no-such-model", "/no/such/folder", "a b", "x" * 300]
)
def test_an_unknown_name_is_one_line_that_names_the_setting(name: str) -> None:
    with pytest.raises(ModelError, match=r"^TWIN_EMBEDDING_MODEL=.* is no folder here") as caught:
        find_model(name)
    assert "\n" not in str(caught.value)
    assert PACKAGED_MODEL in str(caught.value)


def test_the_fingerprint_covers_the_weights_of_every_module(own: Path) -> None:
    before = ModelFolder("own", own, 28).weights_sha256()
    (own / "2_Dense").mkdir()
    (own / "2_Dense" / "model.safetensors").write_bytes(b"dense")
    assert ModelFolder("own", own, 28).weights_sha256() != before


def test_the_tokenizer_neither_cuts_nor_pads() -> None:
    tokenizer = load_tokenizer(find_model(PACKAGED_MODEL).path)
    assert len(tokenizer.encode("word " * 1000, add_special_tokens=False)) == 1000
    short, long = tokenizer.encode_batch(["word", "word " * 9], add_special_tokens=False)
    assert (len(short), len(long)) == (1, 9)
