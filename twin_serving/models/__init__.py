"""A language model on a server: what every provider offers, and what it says when it cannot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

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


class LanguageModel(Protocol):
    """A generating model behind a server. ``provider`` is what TWIN_LLM calls it."""

    provider: str

    def info(self) -> ModelInfo:
        """Return the model's name and limit, asked of the server once.

        Raises:
            ModelServerError: the server cannot be reached or refuses.
        """
        ...

    def complete(
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

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        """Yield the answer's text as it is generated; closing the iterator closes the stream.

        Raises:
            ModelServerError: as of :meth:`complete`, also in the middle.
        """
        ...

    def health(self) -> None:
        """Ask the server whether it is well.

        Raises:
            ModelServerError: it is not; the message says what to do.
        """
        ...


def create_model(settings: TwinSettings) -> LanguageModel | None:
    """Return the model that the settings name; None where they name no server."""
    if not settings.openai_url:
        return None
    from twin_serving.models.openai import OpenAIModel

    return OpenAIModel(
        settings.openai_url,
        settings.openai_api_key.get_secret_value(),
        settings.llm_model,
        settings.llm_timeout_seconds,
    )
