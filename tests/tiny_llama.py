"""A Llama with random weights, and the real ``transformers serve`` that serves it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from mongo_servers import find_unused_port

SENTENCES = [
    "The harbour was quiet when the first boats came home with their lamps still burning.",
    "A good answer names the passage that it rests on, and says so when there is none.",
    "Water the tomatoes in the morning, and never over the leaves.",
    "Every train that left the city that winter was late by an hour or more.",
]
_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
_SPECIAL = ["<unk>", "<s>", "</s>"]
_STARTED_WITHIN = 120  # seconds, on a busy machine


def tiny_llama(folder: Path, *, chat_template: bool = True) -> None:
    """Write the model's folder: 9,000 parameters, and a tokenizer of 400 byte-level tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        GenerationConfig,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(SENTENCES, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained,
        unk_token="<unk>",  # noqa: S106
        bos_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        model_max_length=512,
    )
    if chat_template:
        tokenizer.chat_template = _TEMPLATE
    tokenizer.save_pretrained(folder)

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=1.0,  # so that the likeliest token is not always the same one
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        max_new_tokens=16,
        # only what begins a word is said, so that the text is readable
        suppress_tokens=[
            n for token, n in tokenizer.get_vocab().items() if len(token) < 3 or token[0] != "Ġ"
        ],
    )
    model.save_pretrained(folder)


@contextmanager
def running_transformers_serve(folder: Path) -> Iterator[str]:
    """Serve until the block ends; yield the base URL, whose routes begin with /v1.

    A request names the folder of a model as its ``model``. The folder given here is for the
    server's output and its empty cache.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = find_unused_port()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache")}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=offline, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, process, folder / "output")
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its children are of its session
        process.wait(10)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + _STARTED_WITHIN
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
        ended = process.poll() is not None
        assert not ended, f"transformers serve has ended: {output.read_text(errors='replace')}"
    raise AssertionError(f"{url} does not answer")
