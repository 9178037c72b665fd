"""A server of one's own with ``POST /infer``: the prompt in, the whole answer out."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx

from twin_serving.llm import Finish, Message, ModelInfo
from twin_serving.llm.faults import CONNECT_SECONDS, ModelServer, tls
from twin_serving.llm.plain_prompt import STOP, as_prompt, without_prompt

_TEXT_FIELDS = ("generated_text", "answer", "response")


class InferModel:
    """A :class:`~twin_serving.llm.LanguageModel` behind ``POST /infer``.

    The request is ``{"inputs": PROMPT, "parameters": {"max_new_tokens", "stop",
    "return_full_text"}}``, the answer ``{"generated_text": TEXT}``, or a list with that in it.
    """

    provider = "infer"

    def __init__(
        self, url: str, key: str = "", model: str = "", timeout_seconds: float = 60.0
    ) -> None:
        """Describe the server.

        Args:
            url: its base address, as ``http://127.0.0.1:8000``.
            key: sent as a bearer token, where it wants one.
            model: what to call the model.
            timeout_seconds: how long the server may be silent, as it is until the answer is whole.
        """
        self._server = ModelServer(url.rstrip("/"), "TWIN_INFER_URL", "TWIN_INFER_API_KEY", key)
        self._model = model
        self._timeout = timeout_seconds

    async def info(self) -> ModelInfo:
        """See :meth:`LanguageModel.info`; the server is not asked, it has no way to tell."""
        return ModelInfo(self._model or self.provider, None)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,  # there is no way to pass it on
    ) -> str:
        """See :meth:`LanguageModel.complete`."""
        prompt = as_prompt(messages)
        parameters = {"max_new_tokens": max_tokens, "stop": [STOP], "return_full_text": False}
        answer = await self._asked("POST", "/infer", {"inputs": prompt, "parameters": parameters})
        try:
            text = without_prompt(_text(answer.json()), prompt)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise self._server.unreadable(error) from None
        if not text:
            raise self._server.empty()
        return text

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int
    ) -> AsyncIterator[str | Finish]:
        """See :meth:`LanguageModel.stream`; the answer comes in one piece."""
        yield await self.complete(messages, max_tokens=max_tokens)
        yield Finish()

    async def health(self) -> None:
        """See :meth:`LanguageModel.health`; a server that answers at all is well."""
        await self._asked("GET", "/", None)

    async def _asked(self, method: str, path: str, body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._server.key}"} if self._server.key else {}
        limits = httpx.Timeout(self._timeout, connect=CONNECT_SECONDS)
        try:
            async with httpx.AsyncClient(verify=tls(), timeout=limits) as client:
                answer = await client.request(
                    method, self._server.url + path, json=body, headers=headers
                )
        except httpx.ConnectTimeout:
            raise self._server.unreachable() from None
        except httpx.TimeoutException:
            raise self._server.silent(self._timeout) from None
        except httpx.HTTPError:
            raise self._server.unreachable() from None
        if answer.is_error and body is not None:
            raise self._server.refused(
                answer.status_code, answer.text, answer.headers.get("retry-after")
            )
        return answer


def _text(answer: Any) -> str:
    one = answer[0] if isinstance(answer, list) else answer
    return str(next(one[name] for name in _TEXT_FIELDS if name in one))
