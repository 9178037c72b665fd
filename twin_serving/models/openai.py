"""Any server that speaks OpenAI's chat completions: vLLM, SGLang, llama.cpp, Ollama, OpenAI."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twin_assets.errors import ModelServerError
from twin_serving.models import Message, ModelInfo

if TYPE_CHECKING:
    from openai import OpenAI

_CONNECT_SECONDS = 5.0
_RETRIES = 2  # after lost connections, 429 and 5xx, with growing pauses
_NO_KEY = "none"  # a server without keys passes over it, and the client insists on one
_SHOWN = 200  # characters of what a server says of a fault

# What servers call the number of tokens that the model reads, in what they say of it.
_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "n_ctx")


class OpenAIModel:
    """A model behind an OpenAI-compatible server."""

    provider = "openai"

    def __init__(
        self, url: str, key: str = "", model: str = "", timeout_seconds: float = 60.0
    ) -> None:
        """Describe the server; it is asked at the first use.

        Args:
            url: its base address, as ``http://127.0.0.1:8000/v1``.
            key: its key, where it wants one.
            model: the model's name; empty for the first that the server lists.
            timeout_seconds: how long the server may be silent.
        """
        self._url = url
        self._key = key
        self._model = model
        self._timeout = timeout_seconds
        self._keeps_to_schemas = True
        self._known: ModelInfo | None = None

    def info(self) -> ModelInfo:
        """See :meth:`LanguageModel.info`."""
        if self._known is None:
            with self._faults():
                listed = list(self._client.models.list())
            chosen = next((m for m in listed if m.id == self._model), None)
            if chosen is None and not listed and not self._model:
                raise ModelServerError(
                    f"The model server at {self._place} lists no model. Set TWIN_LLM_MODEL."
                )
            if chosen is None and not self._model:
                chosen = listed[0]
            self._known = ModelInfo(self._model or chosen.id, _context_tokens(chosen))  # type: ignore[union-attr]
        return self._known

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """See :meth:`LanguageModel.complete`."""
        from openai import BadRequestError, UnprocessableEntityError

        request = self._request(messages, max_tokens)
        with self._faults():
            if schema is not None and self._keeps_to_schemas:
                wanted = {"name": "reply", "schema": dict(schema), "strict": True}
                kind = {"type": "json_schema", "json_schema": wanted}
                try:
                    return self._answer(request | {"response_format": kind})
                except (BadRequestError, UnprocessableEntityError):
                    self._keeps_to_schemas = False  # asked plainly from now on
            return self._answer(request)

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        """See :meth:`LanguageModel.stream`."""
        with self._faults():
            answer = self._client.chat.completions.create(
                **self._request(messages, max_tokens), stream=True
            )
            with closing(answer):
                for event in answer:
                    if event.choices and event.choices[0].delta.content:
                        yield event.choices[0].delta.content

    def health(self) -> None:
        """See :meth:`LanguageModel.health`."""
        with self._faults():
            self._client.models.list()

    def _request(self, messages: Sequence[Message], max_tokens: int) -> dict[str, Any]:
        return {
            "model": self.info().name,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "max_tokens": max_tokens,
        }

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import OpenAI, Timeout

        return OpenAI(
            base_url=self._url,
            api_key=self._key or _NO_KEY,
            max_retries=_RETRIES,
            timeout=Timeout(self._timeout, connect=_CONNECT_SECONDS),
        )

    @property
    def _place(self) -> str:
        """The server's address without a name and password."""
        parts = urlsplit(self._url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def _answer(self, request: dict[str, Any]) -> str:
        answer: Any = self._client.chat.completions.create(**request)
        choices = getattr(answer, "choices", None)
        text = choices[0].message.content if choices else None
        if not text:
            raise ModelServerError(f"The model server at {self._place} answered nothing.")
        return str(text)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn the client's faults into ours, one line each; what is said of a key is left out."""
        from openai import (
            APIConnectionError,
            APIStatusError,
            APITimeoutError,
            AuthenticationError,
            OpenAIError,
            PermissionDeniedError,
        )

        server = f"The model server at {self._place}"
        try:
            yield
        except (AuthenticationError, PermissionDeniedError):
            reason = "refuses the key. Set TWIN_OPENAI_API_KEY"
        except APIStatusError as error:
            reason = f"answers {error.status_code}: {self._said(error)}"
        except APITimeoutError:
            reason = f"was silent for {self._timeout:g} s (TWIN_LLM_TIMEOUT_SECONDS)"
        except APIConnectionError:
            reason = "cannot be reached, or broke off. Start it, or set TWIN_OPENAI_URL"
        except (OpenAIError, ValueError, AttributeError, TypeError) as error:
            reason = f"answers what cannot be read ({type(error).__name__})"
        else:
            return
        raise ModelServerError(f"{server} {reason}.") from None

    def _said(self, error: Any) -> str:
        words = " ".join(str(error.message).split())
        if self._key:
            words = words.replace(self._key, "…")
        return words[:_SHOWN]


def _context_tokens(model: Any) -> int | None:
    """Return what the server says that the model reads at once."""
    values = [getattr(model, name, None) for name in _CONTEXT_FIELDS]
    return next((value for value in values if isinstance(value, int)), None)
