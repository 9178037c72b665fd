"""Two providers against a real server: `transformers serve` with a tiny Llama built here."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from asking_models import complete, leave_after_one, streamed
from retrieving import events_of
from tiny_llama import running_transformers_serve, tiny_llama

from twin_serving.answers import Answer
from twin_serving.llm import LanguageModel
from twin_serving.llm.openai import OpenAIModel
from twin_serving.llm.tgi import TgiModel
from twin_serving.twin import Twin


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The server's address, and the model's folder, which is its name in a request."""
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    tiny_llama(folder)
    with running_transformers_serve(folder) as url:
        yield url, folder


@pytest.mark.parametrize("provider", ["openai", "tgi"])
def test_an_answer_whole_and_streamed(served: tuple[str, Path], provider: str) -> None:
    url, folder = served
    model: LanguageModel = (
        OpenAIModel(f"{url}/v1", model=str(folder))
        if provider == "openai"
        else TgiModel(url, model=str(folder))
    )
    assert anyio.run(model.info).name == str(folder)
    whole = complete(model, max_tokens=12)
    pieces, finish = streamed(model, most=12)
    assert whole.strip()
    assert "".join(pieces).strip()
    assert len(pieces) > 1
    assert finish.reason == "length"
    leave_after_one(model)
    assert complete(model, max_tokens=12).strip()


@pytest.mark.parametrize("provider", ["openai", "tgi"])
def test_a_twin_answers_by_it(sample_home, served: tuple[str, Path], provider: str) -> None:
    url, folder = served
    settings = sample_home.model_copy(
        update={
            "llm": provider,
            "tgi_url": url,
            "openai_url": f"{url}/v1",
            "llm_model": str(folder),
            "answer_tokens": 16,
        }
    )
    *_, answer = events_of(Twin(settings), "What does Mara Lindqvist say about rye?")
    assert isinstance(answer, Answer)
    assert answer.fault is None
    assert answer.text
    assert answer.written.by == f"{provider}: {folder}"
    assert answer.sources
