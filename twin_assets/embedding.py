"""The embedding model: texts to normalized vectors. One model a process, loaded when first used."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.errors import ModelError
from twin_assets.model_folder import ModelFolder, find_model, load_tokenizer
from twin_assets.model_turns import MODEL_TURNS
from twin_assets.settings import TwinSettings

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Precision = Literal["bfloat16", "float32"]
Progress = Callable[[int], None]

# Padded tokens a batch. On 2 cores 4,096 was the fastest of 2,048 to 16,384 (bench/embedding.py);
# a GPU wants more work at once.
_BATCH_TOKENS_CPU = 4096
_BATCH_TOKENS_CUDA = 65536


class Embedder:
    """A SentenceTransformer model that reads its texts sorted by length, in one number format.

    The transformer runs in ``precision``; pooling and normalization always run in float32.
    """

    def __init__(self, folder: ModelFolder, precision: Literal["auto", "bfloat16", "float32"]):
        """Describe the model; the weights are read at the first use."""
        self.folder = folder
        self._wanted_precision = precision
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None
        self._weights_sha256: str | None = None

    @property
    def max_tokens(self) -> int:
        """The number of a text's tokens that the model reads; the rest would be dropped."""
        return self.folder.max_tokens

    @property
    def precision(self) -> Precision:
        """The number format of the transformer on this machine."""
        if self._wanted_precision == "auto":
            return "bfloat16" if has_bfloat16() else "float32"
        return self._wanted_precision

    @property
    def weights_sha256(self) -> str:
        """The digest of the weights that are used.

        Raises:
            ModelError: the packaged model's weights are not the official ones.
        """
        if self._weights_sha256 is None:
            self._weights_sha256 = self.folder.weights_sha256()
        return self._weights_sha256

    @property
    def fingerprint(self) -> str:
        """What must be equal for two vectors to be comparable: weights and number format."""
        return f"{self.weights_sha256[:32]}-{self.precision}"

    @property
    def dimension(self) -> int:
        """The length of a vector; the model is loaded only where its files do not say it."""
        stated = self.folder.dimension()
        if stated is not None:
            return stated
        dimension = self._load().get_embedding_dimension()
        if dimension is None:
            raise ModelError(f"{self.folder.name} does not say how long its vectors are.")
        return int(dimension)

    def warm(self) -> None:
        """Load the model now, so that the first text does not wait for it.

        Raises:
            ModelError: it cannot be loaded, or its weights are not the expected ones.
        """
        self._load()

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one normalized vector a text, in the texts' order: float32 (texts, dimension).

        Args:
            texts: each with at most :attr:`max_tokens` tokens; what is longer is cut, as the model
                would.
            progress: called after each batch with the number of texts done in it.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch, output in self._forward(texts):
            vectors[batch] = output["sentence_embedding"].cpu().numpy()
            if progress is not None:
                progress(len(batch))
        return vectors

    def encode_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Return the normalized vectors of each text's tokens: float32 (tokens, dimension) each.

        Special tokens are left out. Late interaction (Khattab and Zaharia, ColBERT, 2020) compares
        a question's tokens with a passage's.
        """
        import torch

        vectors: list[Vectors] = [np.empty((0, 0), dtype=np.float32)] * len(texts)
        for batch, output in self._forward(texts):
            normalized = torch.nn.functional.normalize(output["token_embeddings"], dim=-1)
            mask = output["attention_mask"].bool() & ~output["special_tokens_mask"].bool()
            for row, index in enumerate(batch):
                vectors[index] = normalized[row][mask[row]].cpu().numpy()
        return vectors

    def _forward(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[list[int], dict[str, "torch.Tensor"]]]:
        """Yield batches of indices into ``texts`` with the model's output for them."""
        import torch

        model = self._load()
        encodings = self._tokenizer.encode_batch(list(texts))
        budget = _BATCH_TOKENS_CUDA if model.device.type == "cuda" else _BATCH_TOKENS_CPU
        lengths = [len(encoding) for encoding in encodings]
        for batch in batches_by_length(lengths, budget):
            width = max(lengths[index] for index in batch)
            ids = np.zeros((len(batch), width), dtype=np.int64)
            special = np.ones_like(ids)
            for row, index in enumerate(batch):  # a list goes into NumPy's arrays the quickest
                ids[row, : lengths[index]] = encodings[index].ids
                special[row, : lengths[index]] = encodings[index].special_tokens_mask
            mask = np.arange(width) < np.array([lengths[index] for index in batch])[:, None]
            features = {
                "input_ids": torch.from_numpy(ids).to(model.device),
                "attention_mask": torch.from_numpy(mask.astype(np.int64)).to(model.device),
            }
            # inference_mode is a thread's own, so it must not span the yield
            with MODEL_TURNS.turn(ids.size), torch.inference_mode():
                output = self._run(model, features)
            output["special_tokens_mask"] = torch.from_numpy(special).to(model.device)
            yield batch, output

    @staticmethod
    def _run(
        model: "SentenceTransformer", features: dict[str, "torch.Tensor"]
    ) -> dict[str, "torch.Tensor"]:
        import torch

        transformer, *rest = model
        output = transformer(features)
        output["token_embeddings"] = output["token_embeddings"].float()
        for module in rest:
            output = module(output)
        output["sentence_embedding"] = torch.nn.functional.normalize(
            output["sentence_embedding"].float(), dim=-1
        )
        return dict(output)

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        """The model's tokenizer, cutting where the model would, special tokens kept."""
        from tokenizers import Tokenizer

        shared = load_tokenizer(self.folder.path)
        special = shared.num_special_tokens_to_add(is_pair=False)
        own = Tokenizer.from_str(shared.to_str())
        own.enable_truncation(max_length=self.max_tokens + special)
        return own

    def _load(self) -> "SentenceTransformer":
        with self._lock:
            if self._model is None:
                self._model = self._read_model()
            return self._model

    def _read_model(self) -> "SentenceTransformer":
        _ = self.weights_sha256  # refuse wrong weights before they are read
        # The folder is at hand by now: nothing about it is asked of the hub.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model = SentenceTransformer(str(self.folder.path), device=device)
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"The model in {self.folder.path} cannot be loaded: {error}. "
                "Set TWIN_EMBEDDING_MODEL to a SentenceTransformer folder."
            ) from error
        if self.precision == "bfloat16":
            model[0].to(torch.bfloat16)
        return model.eval()


def batches_by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield batches of indices, longest first, whose padded size stays within ``budget`` tokens.

    Sorting puts texts of one length together, so that little is spent on padding; the longest come
    first, so that memory is exhausted at once or never.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def has_bfloat16() -> bool:
    """Tell whether the processor (or the GPU) multiplies in bfloat16 by instructions of its own."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    flags = cpu_flags()
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & flags)


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """Return the processor's feature flags as Linux names them; empty where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() in ("flags", "features"):
            return frozenset(value.split())
    return frozenset()


@lru_cache(maxsize=2)
def get_embedder(model: str, precision: Literal["auto", "bfloat16", "float32"]) -> Embedder:
    """Return the process's one embedder for the model and precision."""
    return Embedder(find_model(model), precision)


def embedder_for(settings: TwinSettings) -> Embedder:
    """Return the process's embedder that the settings name."""
    return get_embedder(settings.embedding_model, settings.embedding_precision)
