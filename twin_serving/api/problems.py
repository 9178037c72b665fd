"""Faults as ``application/problem+json`` (RFC 9457): one line each, and no secrets."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from twin_assets.errors import (
    BadInputError,
    IndexCorruptedError,
    ModelError,
    ModelServerError,
    NothingServedError,
    StorageError,
    TwinError,
    UnknownAuthorError,
)
from twin_serving.api.connected import LeftError

_MEDIA_TYPE = "application/problem+json"
_LEFT = 499  # as nginx writes of a client that closed the connection
_METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"]
)
_STATUS = [  # the first that fits
    (UnknownAuthorError, 404),
    (BadInputError, 422),
    (NothingServedError, 503),
    (StorageError, 503),
    (IndexCorruptedError, 503),
    (ModelError, 503),
    (ModelServerError, 502),
    (TwinError, 500),
]


class Problem(BaseModel):
    """What went wrong; ``error`` says it again where OpenAI's clients look for it."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One line that says what is wrong and what to do.")
    error: dict[str, Any]


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """Return the problem; ``more`` are members of its own."""
    error = {"message": detail, "type": "invalid_request_error", "code": status}
    if status >= 500:
        error["type"] = "server_error"
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error": error,
        **more,
    }


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the problem as a response."""
    return JSONResponse(
        problem(status, detail, **more), status, media_type=_MEDIA_TYPE, headers=headers
    )


def status_of(error: TwinError) -> int:
    """Return the HTTP status of one of our faults."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what an OpenAPI description says of these statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {_MEDIA_TYPE: {"schema": schema}},
        }
        for status in (401, 421, *statuses)
    }


def add_problems(app: FastAPI) -> None:
    """Answer every fault with a problem."""

    @app.exception_handler(TwinError)
    async def _of_ours(_: Request, error: TwinError) -> JSONResponse:
        return problem_response(status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    async def _of_a_request(_: Request, error: RequestValidationError) -> JSONResponse:
        # what was sent is not repeated: it may be long, and it may be a secret
        faults = [
            {"at": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]}
            for one in error.errors()
        ]
        first = f"{faults[0]['at']}: {faults[0]['reason']}"
        return problem_response(422, f"The request cannot be used: {first}.", errors=faults)

    @app.exception_handler(HTTPException)
    async def _of_http(_: Request, error: HTTPException) -> JSONResponse:
        return problem_response(error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(LeftError)
    async def _of_nobody(_: Request, __: LeftError) -> Response:
        return Response(status_code=_LEFT)  # nobody sees it but the log

    @app.exception_handler(Exception)
    async def _of_a_bug(_: Request, __: Exception) -> JSONResponse:
        return problem_response(500, "Something went wrong; see the server's log.")

    _describe_problems(app)


def refuse_other_methods(app: FastAPI) -> None:
    """Answer 405 where a path of the API is asked by another method.

    Otherwise the page, which is mounted below every path, would answer that there is no such thing.
    """
    methods: dict[str, set[str]] = {}
    for path, described in app.openapi()["paths"].items():
        methods[path] = {method.upper() for method in described}
    for path, allowed in methods.items():

        async def refuse(_: Request, allow: str = ", ".join(sorted(allowed))) -> Response:
            detail = f"This path takes {allow}."
            return problem_response(405, detail, headers={"allow": allow})

        others = sorted(_METHODS - allowed)
        app.router.routes.append(Route(path, refuse, methods=others, include_in_schema=False))


def _describe_problems(app: FastAPI) -> None:
    """Put our faults in the place of FastAPI's in the description."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = describe()["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        return describe()

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's documentation extends it
