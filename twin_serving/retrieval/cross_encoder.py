"""A cross-encoder: one model reads the question and a passage together and says how they fit."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from twin_assets.embedding import Embedder, has_bfloat16
from twin_assets.errors import ModelError
from twin_assets.model_turns import MODEL_TURNS
from twin_serving.retrieval import Candidate
from twin_serving.retrieval.readings import readings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder as Model

_BATCH = 32
_CHARACTERS_A_TOKEN = 4  # of English prose, roughly


class CrossEncoder:
    """The model in a folder; its weights are read at the first question."""

    def __init__(self, folder: Path) -> None:
        """Describe the model."""
        self.folder = folder
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._fault: ModelError | None = None

    def warm(self) -> None:
        """Load the model now, once, whoever asks at the same time.

        Raises:
            ModelError: it cannot be loaded; it is not tried again.
        """
        self._load()

    def rerank(
        self, question: str, candidates: Sequence[Candidate], embedder: Embedder
    ) -> list[Candidate]:
        """Return the candidates ordered by the model's score of their best piece, 0 to 1.

        Raises:
            ModelError: the model cannot be loaded, or cannot read these.
        """
        if not candidates:
            return []
        pieces, owners = readings(candidates, embedder)
        scores = self._scores([(question, piece) for piece in pieces])
        best = [0.0] * len(candidates)
        for owner, score in zip(owners, scores, strict=True):
            best[owner] = max(best[owner], score)
        scored = [replace(c, score=score) for c, score in zip(candidates, best, strict=True)]
        return sorted(scored, key=lambda candidate: -candidate.score)

    def _scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        model = self._load()
        import torch

        characters = sum(len(question) + len(piece) for question, piece in pairs)
        try:
            with MODEL_TURNS.turn(characters // _CHARACTERS_A_TOKEN):
                # it sorts the pairs by length itself, so that little is spent on padding
                scores: list[float] = model.predict(
                    pairs,
                    batch_size=_BATCH,
                    activation_fn=torch.nn.Sigmoid(),
                    show_progress_bar=False,
                ).tolist()
        except (IndexError, RuntimeError, ValueError) as error:
            # as with a tokenizer of another model, or too little memory
            line = " ".join(f"{type(error).__name__}: {error}".split())
            raise ModelError(f"The cross-encoder in {self.folder} failed: {line}") from error
        if not all(map(isfinite, scores)):
            raise ModelError(f"The cross-encoder in {self.folder} gives scores that are no numbers")
        return scores

    def _load(self) -> "Model":
        with self._lock:
            if self._fault is not None:
                raise self._fault
            if self._model is None:
                try:
                    self._model = _read_model(self.folder)
                except ModelError as error:
                    self._fault = error
                    raise
            return self._model


def find_cross_encoder(name: str) -> Path | None:
    """Return the model's folder if it is at hand: a folder, or a name that the hub's cache holds.

    The network is never asked: a question does not wait for a download.
    """
    folder = Path(name).expanduser()
    with suppress(OSError):  # a hub name may be no possible path
        if folder.is_dir():
            return folder.absolute()
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    with suppress(HFValidationError):
        weights = try_to_load_from_cache(name, "model.safetensors")
        if isinstance(weights, str):
            return Path(weights).parent
    return None


def _read_model(folder: Path) -> "Model":
    os.environ.setdefault(
        "HF_HUB_OFFLINE", "1"
    )  # the folder is at hand: nothing is asked of the hub
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder as Model
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if has_bfloat16() else torch.float32
    try:
        model: Model = Model(
            str(folder),
            device=device,
            local_files_only=True,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        line = " ".join(str(error).split())
        raise ModelError(
            f"The cross-encoder in {folder} cannot be loaded: {line}. Set TWIN_CROSS_ENCODER to a "
            "folder with a model for sequence classification."
        ) from error
    if model.num_labels != 1:
        raise ModelError(
            f"The model in {folder} gives {model.num_labels} scores a pair, and a cross-encoder "
            "one. Set TWIN_CROSS_ENCODER to one that ranks."
        )
    return model
