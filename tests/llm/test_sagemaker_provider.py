"""The SageMaker provider through boto3 against a stand-in of the runtime's REST protocol."""

import pytest
from asking_models import complete, leave_after_one, refusal, streamed
from sagemaker_servers import (
    MODEL_ERROR,
    THROTTLED,
    UNAVAILABLE,
    SageMakerServer,
    running_sagemaker,
)
from stand_in_http import BREAK_OFF, GARBAGE, STALL

from twin_assets.errors import ModelServerError, ModelServerUnavailableError
from twin_serving.llm.sagemaker import SageMakerModel

TEXT = "It is warm [1]."


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    with running_sagemaker(SageMakerServer(reply=lambda request: TEXT)) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", running.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", running.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield running


def test_an_answer_whole_and_streamed(server: SageMakerServer) -> None:
    model = SageMakerModel(server.endpoint)
    assert complete(model) == TEXT
    pieces, finish = streamed(model)
    assert "".join(pieces) == TEXT
    assert len(pieces) == 4
    assert finish.answer_tokens == 5
    whole, stream = server.requests
    assert whole["inputs"].endswith("Question:\nHello?\n\nAnswer:")
    assert whole["parameters"]["max_new_tokens"] == 7
    assert stream["stream"] is True


def test_refusals(server: SageMakerServer) -> None:
    model = SageMakerModel(server.endpoint)
    server.refuse += [MODEL_ERROR, UNAVAILABLE, THROTTLED]
    assert "CUDA out of memory" in refusal(model, ModelServerUnavailableError)
    assert "unavailable" in refusal(model, ModelServerUnavailableError)
    assert "Rate exceeded" in refusal(model, ModelServerUnavailableError)


def test_wrong_credentials(server: SageMakerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    line = refusal(SageMakerModel(server.endpoint))
    assert "AWS credentials" in line
    assert "secret" not in line


def test_no_region(server: SageMakerServer, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert "no credentials or no region" in refusal(SageMakerModel(server.endpoint))


def test_the_middle_of_a_stream(server: SageMakerServer) -> None:
    pieces: list[str] = []
    for word, said in ((BREAK_OFF, "broke off"), (GARBAGE, "cannot be read")):
        server.reply = lambda request, word=word: f"one {word} two"
        with pytest.raises(ModelServerError, match=said):
            streamed(SageMakerModel(server.endpoint), pieces)
    assert pieces == ["one", "one"]


def test_an_asker_who_leaves_ends_the_request(server: SageMakerServer) -> None:
    server.reply = lambda request: f"one {STALL} two"
    leave_after_one(SageMakerModel(server.endpoint))
    assert server.broken_off.wait(1)
