"""Questions: ``/rag``, its stream, ``/retrieve``, and what the asker made of the answer."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, NamedTuple

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from twin_assets.errors import BadInputError
from twin_serving.answering import Piece
from twin_serving.answers import Answer, Event
from twin_serving.api.connected import while_connected
from twin_serving.api.events import DESCRIBED, event, event_stream
from twin_serving.api.problems import problem, problem_response, problems
from twin_serving.api.schemas import FeedbackRequest, RetrieveRequest
from twin_serving.retrieval import Retrieval
from twin_serving.serialize import (
    AnswerJson,
    RetrievalJson,
    answer_dict,
    passage_dicts,
    retrieval_dict,
    trace_dicts,
)
from twin_serving.twin import Twin

_THROUGH = "api"


class _Begun(NamedTuple):
    """An answer whose passages are found, and that is not written yet."""

    retrieval: Retrieval
    events: AsyncIterator[Event]


def question_routes(twin: Twin) -> APIRouter:
    """Return the routes on which questions are asked."""
    routes = APIRouter(tags=["questions"])

    async def begun(asked: RetrieveRequest, request: Request) -> AsyncIterator[_Begun]:
        # what is wrong with the question is known before the stream begins, and has its own status
        events: Any = twin.stream(asked.query, asked.options(), asked.turns(), _THROUGH)
        async with aclosing(events):
            found = await while_connected(request, lambda: anext(events))
            yield _Begun(found, events)

    @routes.post("/rag", responses=problems(400, 404, 413, 422, 502, 503))
    async def rag(asked: RetrieveRequest, request: Request) -> AnswerJson:
        """Answer a question with citations.

        A language model that fails is a 502 that holds the passages all the same.
        """
        answer = await while_connected(
            request, lambda: twin.ask_async(asked.query, asked.options(), asked.turns(), _THROUGH)
        )
        if answer.fault is not None:
            more: dict[str, Any] = {**answer_dict(answer)}
            del more["fault"]  # it is the detail
            return problem_response(502, answer.fault, **more)  # type: ignore[return-value]
        return answer_dict(answer)

    @routes.post(
        "/rag/stream",
        response_class=StreamingResponse,
        responses={**DESCRIBED, **problems(400, 404, 413, 422, 503)},
    )
    async def rag_stream(begun: Annotated[_Begun, Depends(begun)]) -> StreamingResponse:
        """Answer a question as server-sent events: trace, passages, token (many), done.

        `done` holds the whole answer. A language model that fails sends `error`, a problem, before
        it.
        """
        return event_stream(_streamed(begun))

    @routes.post("/retrieve", responses=problems(400, 404, 413, 422, 503))
    async def retrieve(asked: RetrieveRequest, request: Request) -> RetrievalJson:
        """Find the passages for a question."""
        retrieval = await while_connected(
            request,
            lambda: twin.retrieve_async(asked.query, asked.options(), asked.turns(), _THROUGH),
        )
        return retrieval_dict(retrieval)

    @routes.post("/feedback", status_code=204, responses=problems(400, 404, 413, 422, 503))
    async def feedback(given: FeedbackRequest) -> Response:
        """Keep what the asker makes of an answer: a vote, a comment, the right source."""
        if twin.audit is None:
            return problem_response(404, "The audit trail is switched off (TWIN_AUDIT).")
        try:
            await to_thread.run_sync(twin.audit.give_feedback, given.id, given.feedback())
        except BadInputError as error:
            return problem_response(404, str(error))
        return Response(status_code=204)

    return routes


async def _streamed(begun: _Begun) -> AsyncIterator[str]:
    yield event(trace_dicts(begun.retrieval.trace), "trace")
    yield event(passage_dicts(begun.retrieval), "passages")
    async for one in begun.events:
        if isinstance(one, Piece):
            cited = [support.n for support in one.support]
            yield event({"text": one.text, "cites": cited}, "token")
        elif isinstance(one, Answer):
            if one.fault is not None:
                yield event(problem(502, one.fault), "error")
            yield event(answer_dict(one), "done")
