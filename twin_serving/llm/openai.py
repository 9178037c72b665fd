"""Any server that speaks OpenAI's chat completions: vLLM, SGLang, llama.cpp, Ollama, OpenAI.

Importing this takes half a second; it must not be the first question's, in the event loop.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    BadRequestError,
    DefaultAsyncHttpxClient,
    NotFoundError,
    OpenAIError,
    Timeout,
    UnprocessableEntityError,
)

from twin_assets.errors import ModelServerError
from twin_serving.llm import Finish, Message, ModelInfo
from twin_serving.llm.chat import as_json, pieces_of, text_of
from twin_serving.llm.faults import CONNECT_SECONDS, ModelServer, is_too_long, tls

_NO_KEY = "none"  # a server without keys passes over it, and the client insists on one

# What servers call the number of tokens that the model reads, in what they say of it.
_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "n_ctx")


class OpenAIModel:
    """A :class:`~twin_serving.llm.LanguageModel` behind an OpenAI-compatible server."""

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
        self._server = ModelServer(url, "TWIN_OPENAI_URL", "TWIN_OPENAI_API_KEY", key)
        self._model = model
        self._timeout = timeout_seconds
        self._keeps_to_schemas = True
        self._limit = "max_tokens"
        self._known: ModelInfo | None = None

    async def info(self) -> ModelInfo:
        """See :meth:`LanguageModel.info`."""
        if self._known is None:
            async with self._client() as client:
                try:
                    listed = (await client.models.list()).data
                except NotFoundError:
                    if not self._model:
                        raise
                    listed = []  # it has no such page, and need not have
            chosen = next((m for m in listed if m.id == self._model), None)
            if chosen is None and not self._model:
                if not listed:
                    raise ModelServerError(
                        f"{self._server.name} lists no model. Set TWIN_LLM_MODEL."
                    )
                chosen = listed[0]
            self._known = ModelInfo(chosen.id if chosen else self._model, _context_tokens(chosen))
        return self._known

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """See :meth:`LanguageModel.complete`."""
        request = await self._request(messages)
        async with self._client() as client:
            if schema is not None and self._keeps_to_schemas:
                wanted = {"name": "reply", "schema": dict(schema), "strict": True}
                kind = {"type": "json_schema", "json_schema": wanted}
                try:
                    answer = await self._asked(
                        client, request | {"response_format": kind}, max_tokens
                    )
                    return text_of(answer, self._server)
                except (BadRequestError, UnprocessableEntityError) as error:
                    if is_too_long(error):
                        raise
                    self._keeps_to_schemas = False  # asked plainly from now on
            return text_of(await self._asked(client, request, max_tokens), self._server)

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int
    ) -> AsyncIterator[str | Finish]:
        """See :meth:`LanguageModel.stream`."""
        more = {"stream": True, "stream_options": {"include_usage": True}}
        request = await self._request(messages) | more
        async with (
            self._client() as client,
            await self._asked(client, request, max_tokens) as chunks,
        ):
            async for piece in pieces_of(chunks, self._server):
                yield piece

    async def health(self) -> None:
        """See :meth:`LanguageModel.health`."""
        async with self._client() as client:
            await client.models.list()

    async def _request(self, messages: Sequence[Message]) -> dict[str, Any]:
        return {
            "model": (await self.info()).name,
            "messages": as_json(messages),
        }

    async def _asked(self, client: Any, request: dict[str, Any], most: int) -> Any:
        """Send the request; newer models of OpenAI's call the limit otherwise, and say so."""
        try:
            return await client.chat.completions.create(**request, **{self._limit: most})
        except NotFoundError:
            self._known = None  # the server may have been started anew with another model
            raise
        except BadRequestError as error:
            if self._limit != "max_tokens" or "max_completion_tokens" not in error.message:
                raise
            self._limit = "max_completion_tokens"
            return await client.chat.completions.create(**request, **{self._limit: most})

    def _refused_in_stream(self, error: APIError) -> ModelServerError:
        """Return the fault that came as an event, with the status that would have been its own."""
        if error.body is None:  # what came is not in the protocol
            return self._server.unreadable(error)
        code = str(error.code)
        return self._server.refused(int(code) if code.isdecimal() else 500, error.message)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOpenAI]:
        """Yield a client for one call: closing it ends the call, whatever became of it.

        Its faults become ours.
        """
        fault: ModelServerError
        try:
            async with AsyncOpenAI(
                base_url=self._server.url,
                api_key=self._server.key or _NO_KEY,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(
                    verify=tls(), timeout=Timeout(self._timeout, connect=CONNECT_SECONDS)
                ),
            ) as client:
                yield client
        except APIStatusError as error:
            after = error.response.headers.get("retry-after")
            fault = self._server.refused(error.status_code, error.message, after)
        except APITimeoutError as error:
            connecting = type(error.__cause__).__name__ == "ConnectTimeout"
            fault = self._server.unreachable() if connecting else self._server.silent(self._timeout)
        except APIConnectionError:
            fault = self._server.unreachable()
        except APIError as error:
            fault = self._refused_in_stream(error)
        except (OpenAIError, ValueError, AttributeError, TypeError) as error:
            fault = self._server.unreadable(error)
        else:
            return
        raise fault from None


def _context_tokens(model: Any) -> int | None:
    """Return what the server says that the model reads at once."""
    values = [getattr(model, name, None) for name in _CONTEXT_FIELDS]
    return next((value for value in values if isinstance(value, int)), None)
