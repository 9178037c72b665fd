"""OpenAI's chat completions in front of the twins: one model an author, and one for all."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal
from uuid import uuid4

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from twin_assets.errors import BadInputError, UnknownAuthorError
from twin_serving.answering import Piece
from twin_serving.answers import Answer, Citation
from twin_serving.api.connected import while_connected
from twin_serving.api.events import DESCRIBED, event, event_stream
from twin_serving.api.problems import problem, problem_response, problems
from twin_serving.llm import Message
from twin_serving.retrieval import RetrievalOptions
from twin_serving.serialize import citation_dicts
from twin_serving.twin import Twin

EVERYBODY = "twin"
_ONE = "twin/"
_THROUGH = "chat completions"


class Part(BaseModel):
    """A part of a message's content; of pictures and the like nothing is read."""

    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    """A message; what a client's system and tools say is passed over: a twin has its own."""

    role: str = Field(examples=["user"])
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream says besides."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """As OpenAI's; options of the model that are not named here are passed over."""

    model: str = Field(examples=[EVERYBODY])
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None


class Usage(TypedDict):
    """Tokens as the model server counts them; 0 where there is none."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ReplyMessage(TypedDict):
    """What the twin says, the sources at its end."""

    role: Literal["assistant"]
    content: str


class Choice(TypedDict):
    """The one choice."""

    index: int
    message: ReplyMessage
    finish_reason: str


class ChatCompletion(TypedDict):
    """An answer; ``citations`` is ours, the rest is OpenAI's."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    citations: list[dict[str, Any]]


class Model(TypedDict):
    """A twin."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(TypedDict):
    """Every twin."""

    object: Literal["list"]
    data: list[Model]


def openai_routes(twin: Twin) -> APIRouter:
    """Return the routes that an OpenAI client uses."""
    routes = APIRouter(prefix="/v1", tags=["openai"])

    @routes.get("/models", responses=problems(503))
    async def list_models() -> Models:
        """List the twins."""
        served = await to_thread.run_sync(twin.catalog.served)
        slugs = [partition.author.slug for partition in served.partitions]
        names = [EVERYBODY, *(_ONE + slug for slug in slugs)]
        data: list[Model] = [
            {"id": name, "object": "model", "created": 0, "owned_by": "twin"} for name in names
        ]
        return {"object": "list", "data": data}

    @routes.get("/models/{name:path}", responses=problems(404, 503))
    async def find_model(name: str) -> Model:
        """Find one twin."""
        listed = (await list_models())["data"]
        for model in listed:
            if model["id"] == name:
                return model
        raise _unknown(name)

    async def begun(asked: ChatRequest, request: Request) -> AsyncIterator[Any]:
        question, history = _conversation(asked)
        events: Any = twin.stream(question, _options(asked.model), history, _THROUGH)
        async with aclosing(events):
            # what is wrong with the question has a status of its own
            await while_connected(request, lambda: anext(events))
            yield events

    @routes.post(
        "/chat/completions",
        response_model=ChatCompletion,
        responses={**DESCRIBED, **problems(400, 404, 413, 422, 502, 503)},
    )
    async def chat_completions(
        asked: ChatRequest, request: Request, events: Annotated[Any, Depends(begun)]
    ) -> Response | ChatCompletion:
        """Answer the last message; the ones before it are the conversation."""
        if asked.stream:
            return event_stream(_chunks(asked, events))

        async def whole() -> Answer:
            *_, answer = [event async for event in events]
            return answer  # type: ignore[no-any-return]  # the stream always ends with it

        answer = await while_connected(request, whole)
        if answer.fault is not None:
            # OpenAI's client would ask again, and the model's server was asked again already
            return problem_response(
                502,
                answer.fault,
                {"x-should-retry": "false"},
                citations=citation_dicts(answer.sources),
            )
        return {
            "id": answer.id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": asked.model,
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": answer.text + sources(answer.citations),
                    },
                    "finish_reason": _finish(answer),
                }
            ],
            "usage": _usage(answer),
            "citations": [dict(one) for one in citation_dicts(answer.citations)],
        }

    return routes


def sources(citations: tuple[Citation, ...]) -> str:
    """Return the sources as text, for clients that show nothing else."""
    lines = [
        f"[{c.passage.n}] {c.passage.candidate.document.title}, {c.passage.candidate.document.link}"
        for c in citations
    ]
    return "\n\nSources:\n" + "\n".join(lines) if lines else ""


def _options(model: str) -> RetrievalOptions:
    if model == EVERYBODY:
        return RetrievalOptions()
    if not model.startswith(_ONE) or not model.removeprefix(_ONE):
        raise _unknown(model)
    return RetrievalOptions(author=model.removeprefix(_ONE))


def _unknown(model: str) -> UnknownAuthorError:
    return UnknownAuthorError(
        f"There is no model {model[:100]!r}. GET /v1/models lists them: {EVERYBODY}, and "
        f"{_ONE}AUTHOR."
    )


def _conversation(asked: ChatRequest) -> tuple[str, list[Message]]:
    *before, last = asked.messages
    if last.role != "user":
        raise BadInputError("The last message must be the user's: it is the question.")
    history: list[Message] = []
    for message in before:
        text = message.text.partition("\n\nSources:\n[")[0]
        match message.role:
            case "user" | "assistant" as role if text:
                history.append(Message(role, text))
    return last.text, history


async def _chunks(asked: ChatRequest, events: Any) -> AsyncIterator[str]:
    chunk = {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": asked.model,
    }
    usage = asked.stream_options is not None and asked.stream_options.include_usage

    def said(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event({**chunk, "choices": [choice], **more})

    yield said({"role": "assistant", "content": ""})
    async for one in events:
        if isinstance(one, Piece):
            yield said({"content": one.text})
        elif isinstance(one, Answer):
            if one.fault is not None:
                told = citation_dicts(one.sources)
                yield event({"error": problem(502, one.fault)["error"], "citations": told})
                return
            if one.citations:
                yield said({"content": sources(one.citations)})
            cited = citation_dicts(one.citations)
            yield said({}, _finish(one), citations=cited)
            if usage:
                yield event({**chunk, "choices": [], "usage": _usage(one)})
    yield "data: [DONE]\n\n"


def _finish(answer: Answer) -> str:
    """Return OpenAI's word for how the answer ended; servers have others for a whole one."""
    return "length" if answer.written.finish == "length" else "stop"


def _usage(answer: Answer) -> Usage:
    prompt, written = answer.written.prompt_tokens or 0, answer.written.answer_tokens or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }
