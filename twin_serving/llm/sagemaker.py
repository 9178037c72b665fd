"""A SageMaker endpoint that runs text-generation-inference, through boto3."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from anyio import to_thread

from twin_assets.errors import BadInputError, ModelServerError
from twin_serving.llm import Finish, Message, ModelInfo
from twin_serving.llm.faults import CONNECT_SECONDS, ModelServer
from twin_serving.llm.plain_prompt import STOP, UntilStop, as_prompt, without_prompt

_T = TypeVar("_T")


class SageMakerModel:
    """A :class:`~twin_serving.llm.LanguageModel` behind a SageMaker endpoint, TGI's payload.

    boto3 finds the region and the credentials as it always does. It is not asynchronous, so each
    call has a thread.
    """

    provider = "sagemaker"

    def __init__(self, endpoint: str, timeout_seconds: float = 60.0) -> None:
        """Describe the endpoint by its name; it may be silent for ``timeout_seconds``."""
        self._endpoint = endpoint
        self._timeout = timeout_seconds
        self._server = ModelServer(endpoint, "TWIN_SAGEMAKER_ENDPOINT", "AWS credentials")

    async def info(self) -> ModelInfo:
        """See :meth:`LanguageModel.info`; the runtime API does not tell more than the name."""
        return ModelInfo(self._endpoint, None)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """See :meth:`LanguageModel.complete`."""
        prompt = as_prompt(messages)
        grammar: dict[str, Any] = (
            {"grammar": {"type": "json", "value": dict(schema)}} if schema else {}
        )

        def call() -> str:
            answer = self._runtime.invoke_endpoint(**self._request(prompt, max_tokens, **grammar))
            told = json.loads(answer["Body"].read())
            one = told[0] if isinstance(told, list) else told
            return without_prompt(str(one["generated_text"]), prompt)

        text = await self._in_thread(call)
        if not text:
            raise self._server.empty()
        return text

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int
    ) -> AsyncIterator[str | Finish]:
        """See :meth:`LanguageModel.stream`."""
        request = self._request(as_prompt(messages), max_tokens, stream=True, details=True)
        answer = await self._in_thread(
            lambda: self._runtime.invoke_endpoint_with_response_stream(**request)
        )
        body = answer["Body"]
        finish: Finish | None = None
        until_stop = UntilStop()
        try:
            events = _events(body)
            while (event := await self._in_thread(lambda: next(events, None))) is not None:
                if event.get("error"):
                    raise self._server.refused(424, str(event["error"]))
                if details := event.get("details"):
                    finish = Finish(
                        details.get("finish_reason"),
                        details.get("input_length"),
                        details.get("generated_tokens"),
                    )
                token = event["token"]
                if not token["special"] and (text := until_stop.feed(token["text"])):
                    yield text
        except (ValueError, KeyError, TypeError) as error:
            raise self._server.unreadable(error) from None
        finally:
            _end(body)
        if finish is None:  # a stream that is whole says how it ends
            raise self._server.unreachable()
        if rest := until_stop.end():
            yield rest
        yield finish

    async def health(self) -> None:
        """See :meth:`LanguageModel.health`; the runtime API can only be asked for an answer."""
        await self.complete([Message("user", "Hello")], max_tokens=1)

    def _request(
        self, prompt: str, max_tokens: int, *, stream: bool = False, **more: Any
    ) -> dict[str, Any]:
        parameters = {
            "max_new_tokens": max_tokens,
            "return_full_text": False,
            "stop": [STOP],
            **more,
        }
        return {
            "EndpointName": self._endpoint,
            "ContentType": "application/json",
            "Body": json.dumps(
                {"inputs": prompt, "parameters": parameters, "stream": stream}
            ).encode(),
        }

    @cached_property
    def _runtime(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise BadInputError(
                "TWIN_LLM=sagemaker needs boto3. Install it: pip install 'twin[sagemaker]'."
            ) from None
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=self._timeout,
            retries={"total_max_attempts": 1},
        )
        # the default session would keep the credentials of whoever used boto3 first
        return boto3.Session().client("sagemaker-runtime", config=config)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        """Return what the call gives; whoever stops waiting leaves the thread behind.

        The client's faults become ours.
        """
        try:
            return await to_thread.run_sync(call, abandon_on_cancel=True)
        except (ValueError, KeyError, TypeError) as error:
            raise self._server.unreadable(error) from None
        except (ModelServerError, BadInputError):
            raise
        except Exception as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> ModelServerError:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            HTTPClientError,
            NoCredentialsError,
            NoRegionError,
            ReadTimeoutError,
        )

        match error:
            case NoCredentialsError() | NoRegionError():
                return ModelServerError(
                    f"{self._server.name} cannot be asked: boto3 finds no credentials or no "
                    "region. Set AWS_PROFILE or AWS_ACCESS_KEY_ID, and AWS_REGION."
                )
            case ClientError():
                told = error.response
                status = int(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
                status = int(told.get("OriginalStatusCode", status))  # the container's own
                fault = told.get("Error", {})
                if "Throttl" in str(fault.get("Code")):
                    status = 429  # AWS says 400
                return self._server.refused(status, str(fault.get("Message", "")))
            case ReadTimeoutError():
                return self._server.silent(self._timeout)
            case HTTPClientError() | OSError():
                return self._server.unreachable()
            case BotoCoreError():
                return self._server.unreadable(error)
            case _:  # urllib3's own, of a stream that breaks off
                return self._server.unreachable()


def _events(body: Any) -> Iterator[dict[str, Any]]:
    """Yield TGI's events; AWS cuts them anywhere."""
    rest = b""
    for part in body:
        rest += part.get("PayloadPart", {}).get("Bytes", b"")
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and line.strip() != b"data: [DONE]":
                yield json.loads(line[len(b"data:") :])


def _end(body: Any) -> None:
    """Close the stream, also under a thread that still reads it."""
    raw: Any = getattr(body, "_raw_stream", None)
    with suppress(AttributeError, ValueError, RuntimeError):  # there is nothing to shut down
        raw.shutdown()
    body.close()
