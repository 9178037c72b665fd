"""Hugging Face's text-generation-inference, through huggingface_hub's InferenceClient.

Importing this takes a quarter of a second; it must not be the first question's, in the event loop.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx2
from huggingface_hub import (
    AsyncInferenceClient,
    InferenceTimeoutError,
    set_async_client_factory,
)
from huggingface_hub.errors import HfHubHTTPError, OverloadedError, TextGenerationError

from twin_assets.errors import ModelServerError
from twin_serving.llm import Finish, Message, ModelInfo
from twin_serving.llm.chat import as_json, pieces_of, text_of
from twin_serving.llm.faults import CONNECT_SECONDS, ModelServer, is_too_long, tls
from twin_serving.llm.plain_prompt import STOP, UntilStop, as_prompt, without_prompt

_NO_KEY = "none"  # the client would send the hub's token of this machine instead of no key
_UNNAMED = "tgi"  # TGI serves one model, and passes over the name in a request
_NOT_FOUND, _UNPROCESSABLE = 404, 422


class TgiModel:
    """A :class:`~twin_serving.llm.LanguageModel` behind text-generation-inference.

    A model without a chat template is given the conversation as plain text.
    """

    provider = "tgi"

    def __init__(
        self, url: str, key: str = "", model: str = "", timeout_seconds: float = 60.0
    ) -> None:
        """Describe the server; it is asked at the first use.

        Args:
            url: its base address, as ``http://127.0.0.1:8080``.
            key: its key, where it wants one.
            model: the model's name, for a server that does not tell it at ``/info``.
            timeout_seconds: how long the server may be silent.
        """
        self._server = ModelServer(url.rstrip("/"), "TWIN_TGI_URL", "TWIN_TGI_API_KEY", key)
        self._model = model
        self._timeout = timeout_seconds
        self._chats = True
        self._keeps_to_schemas = True
        self._known: ModelInfo | None = None

    async def info(self) -> ModelInfo:
        """See :meth:`LanguageModel.info`; the limit is of prompt and answer together."""
        if self._known is None:
            told: dict[str, Any] = {}
            async with self._client() as client:
                try:
                    told = await client.get_endpoint_info()
                except HfHubHTTPError as error:
                    # others that speak TGI's chat have no such page
                    if error.response.status_code != _NOT_FOUND:
                        raise
            limit = told.get("max_total_tokens")
            name = self._model or told.get("model_id") or _UNNAMED
            self._known = ModelInfo(str(name), limit if isinstance(limit, int) else None)
        return self._known

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """See :meth:`LanguageModel.complete`."""
        if self._chats:
            text = await self._chatted(messages, max_tokens, schema)
            if text is not None:
                return text
        prompt = as_prompt(messages)
        async with self._client() as client:
            answer = await client.text_generation(
                prompt,
                details=True,
                max_new_tokens=max_tokens,
                return_full_text=False,
                stop=[STOP],
                grammar=_grammar(schema),
            )
        text = without_prompt(answer.generated_text, prompt)
        if not text:
            raise self._server.empty()
        return text

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int
    ) -> AsyncIterator[str | Finish]:
        """See :meth:`LanguageModel.stream`."""
        if self._chats:
            async with self._client() as client:
                try:
                    events: Any = await client.chat_completion(
                        as_json(messages),
                        model=(await self.info()).name,
                        max_tokens=max_tokens,
                        stream=True,
                        stream_options={"include_usage": True},
                    )
                except HfHubHTTPError as error:
                    self._go_on_without_chat(error)
                else:
                    async for piece in pieces_of(events, self._server):
                        yield piece
                    return
        async with self._client() as client:
            events = await client.text_generation(
                as_prompt(messages),
                details=True,
                stream=True,
                max_new_tokens=max_tokens,
                return_full_text=False,
                stop=[STOP],
            )
            async for piece in self._of_generation(events):
                yield piece

    async def health(self) -> None:
        """See :meth:`LanguageModel.health`."""
        async with self._client() as client:
            if not await client.health_check():
                raise self._server.refused(503, "it is not ready")

    async def _chatted(
        self, messages: Sequence[Message], max_tokens: int, schema: Mapping[str, Any] | None
    ) -> str | None:
        """Return the answer of a chat; None if the model knows none, or not with these turns."""
        name = (await self.info()).name
        wanted = _grammar(schema) if self._keeps_to_schemas else None
        async with self._client() as client:
            try:
                answer = await client.chat_completion(
                    as_json(messages),
                    model=name,
                    max_tokens=max_tokens,
                    response_format=wanted,
                )
            except HfHubHTTPError as error:
                if wanted is None or _is_of_template(error):
                    self._go_on_without_chat(error)
                    return None
                if error.response.status_code not in (400, _UNPROCESSABLE):
                    raise
                if is_too_long(_said(error)):
                    raise
                self._keeps_to_schemas = False  # asked plainly from now on
            else:
                return text_of(answer, self._server)
        return await self._chatted(messages, max_tokens, schema)

    def _go_on_without_chat(self, error: HfHubHTTPError) -> None:
        """Raise the refusal again unless the conversation can be put as plain text.

        Templates that refuse one (turns that do not alternate, a system's) may take another.
        """
        if not _is_of_template(error):
            raise error
        if "not found" in _said(error):
            self._chats = False

    async def _of_generation(self, events: Any) -> AsyncIterator[str | Finish]:
        details: Any = None
        answer = UntilStop()
        async for event in events:
            details = event.details or details
            if not event.token.special and (text := answer.feed(event.token.text)):
                yield text
        if details is None:
            raise self._server.unreachable()
        if rest := answer.end():
            yield rest
        yield Finish(details.finish_reason, details.input_length, details.generated_tokens)

    def _refused_in_stream(self, said: Any, overloaded: bool) -> ModelServerError:
        status = 429 if overloaded else 424  # as TGI answers where nothing was streamed yet
        if isinstance(said, dict):  # of a chat
            status, said = said.get("http_status_code", status), said.get("message")
        return self._server.refused(int(status), str(said))

    def _refused(self, error: Any) -> ModelServerError:
        response = error.response
        after = response.headers.get("retry-after")
        return self._server.refused(response.status_code, _said(error), after)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        """Yield a client for one call: closing it ends the call, whatever became of it.

        Its faults become ours.
        """
        _share_certificates()
        fault: ModelServerError
        limits: Any = httpx2.Timeout(self._timeout, connect=CONNECT_SECONDS)
        try:
            async with AsyncInferenceClient(
                model=self._server.url,
                provider="hf-inference",
                token=self._server.key or _NO_KEY,
                timeout=limits,
            ) as client:
                yield client
        except HfHubHTTPError as error:
            fault = self._refused(error)
        except TextGenerationError as error:  # what TGI says, of a status or in the stream
            if isinstance(error.__cause__, HfHubHTTPError):
                fault = self._refused(error.__cause__)
            else:
                fault = self._refused_in_stream(error.args[0], isinstance(error, OverloadedError))
        except (InferenceTimeoutError, httpx2.TimeoutException) as error:
            cause = error if isinstance(error, httpx2.TimeoutException) else error.__cause__
            connecting = isinstance(cause, httpx2.ConnectTimeout)
            fault = self._server.unreachable() if connecting else self._server.silent(self._timeout)
        except httpx2.TransportError:
            fault = self._server.unreachable()
        except (
            httpx2.DecodingError,
            ValueError,
            AttributeError,
            TypeError,
            KeyError,
            IndexError,
        ) as error:
            fault = self._server.unreadable(error)
        else:
            return
        raise fault from None


@cache
def _share_certificates() -> None:
    """Let the hub's clients, made anew for every call, read the certificates once."""

    async def read_refusal(response: httpx2.Response) -> None:
        if response.is_error:  # of a stream nothing would be read, and the reason is in it
            await response.aread()

    limits = httpx2.Timeout(60.0, connect=CONNECT_SECONDS)  # of what the client sets none for
    set_async_client_factory(
        lambda: httpx2.AsyncClient(
            verify=tls(),
            follow_redirects=False,
            timeout=limits,
            event_hooks={"response": [read_refusal]},
        )
    )


def _grammar(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if schema is None else {"type": "json", "value": dict(schema)}


def _said(error: Any) -> str:
    """Return what TGI says of the fault: its ``error``, or whatever it sent."""
    try:
        return str(error.response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return str(error.response.text)


def _is_of_template(error: Any) -> bool:
    refused: bool = error.response.status_code == _UNPROCESSABLE
    return refused and "template" in _said(error).lower()
