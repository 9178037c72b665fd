"""A language model on a server: what every provider offers, and what it says when it cannot."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from twin_assets.errors import BadInputError
from twin_assets.settings import TwinSettings


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the server says of its model; ``context_tokens`` is None where it does not say."""

    name: str
    context_tokens: int | None


@dataclass(frozen=True, slots=True)
class Finish:
    """How an answer ended, as far as the server says: ``reason`` is ``length`` if it was cut."""

    reason: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


class Completes(Protocol):
    """What gives whole answers."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the model's whole answer.

        Args:
            messages: the conversation so far.
            max_tokens: tokens of the answer at most.
            schema: a JSON schema that the answer is to keep to, where the server can see to it.

        Raises:
            ModelServerError: the server cannot be reached, refuses, or answers nothing usable.
        """
        ...


class LanguageModel(Completes, Protocol):
    """A generating model behind a server.

    ``provider`` is what TWIN_LLM calls it. Cancelling a call ends the request to the server.
    """

    provider: str

    async def info(self) -> ModelInfo:
        """Return the model's name and limit, asked of the server once.

        Raises:
            ModelServerError: the server cannot be reached or refuses.
        """
        ...

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int
    ) -> AsyncIterator[str | Finish]:
        """Yield the answer's text as it is generated, then how it ended.

        Raises:
            ModelServerError: as of :meth:`complete`, also in the middle.
        """
        ...

    async def health(self) -> None:
        """Ask the server whether it is well.

        Raises:
            ModelServerError: it is not; the message says what to do.
        """
        ...


def create_model(settings: TwinSettings) -> LanguageModel | None:
    """Return the model that TWIN_LLM names; None where it needs no server.

    Raises:
        BadInputError: the setting that says where the server is, is missing.
    """
    if settings.llm == "extractive":
        return None
    from twin_serving.llm.guarded import GuardedModel

    return GuardedModel(_provider(settings), settings.llm_at_once, thinks=settings.llm_thinks)


def _provider(settings: TwinSettings) -> LanguageModel:
    name, timeout = settings.llm_model, settings.llm_timeout_seconds
    match settings.llm:
        case "tgi":
            from twin_serving.llm.tgi import TgiModel

            url = _needed(settings, "tgi_url")
            return TgiModel(url, settings.tgi_api_key.get_secret_value(), name, timeout)
        case "openai":
            from twin_serving.llm.openai import OpenAIModel

            url = _needed(settings, "openai_url")
            return OpenAIModel(url, settings.openai_api_key.get_secret_value(), name, timeout)
        case "sagemaker":
            from twin_serving.llm.sagemaker import SageMakerModel

            return SageMakerModel(_needed(settings, "sagemaker_endpoint"), timeout)
        case _:
            from twin_serving.llm.infer import InferModel

            url = _needed(settings, "infer_url")
            return InferModel(url, settings.infer_api_key.get_secret_value(), name, timeout)


def _needed(settings: TwinSettings, field: str) -> str:
    value = str(getattr(settings, field))
    if not value:
        raise BadInputError(f"TWIN_LLM={settings.llm} needs TWIN_{field.upper()}. Set it.")
    return value
