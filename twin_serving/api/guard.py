"""What stands before every request: the key, the host's name, the size, the security headers."""

from base64 import b64decode
from collections.abc import MutableMapping, Sequence
from hmac import compare_digest
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin_assets.settings import TwinSettings, check_binding, is_loopback
from twin_serving.api.problems import problem_response

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_MOST_BYTES = 1 << 20  # of a request's body; a conversation is a few kilobytes
_UPLOAD = "/gradio_api/upload"  # where the page sends a file, in an envelope of less than that

# Gradio starts from inline scripts and compiles its templates with Function(), so scripts cannot be
# closed further than this; what matters is that nothing is fetched from or sent to another host.
_HEADERS = {
    "content-security-policy": "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def add_guards(app: FastAPI, settings: TwinSettings) -> None:
    """Let nothing reach the application that should not.

    Where people sign in to the page, the key guards the routes that are there already, and the page
    itself asks who is there.

    Raises:
        BadInputError: as of :func:`~twin_assets.settings.check_binding`.
    """
    check_binding(settings)
    key = settings.api_key.get_secret_value()
    # the last one added is the first to see a request
    app.add_middleware(_SizeLimit, upload=settings.upload_megabytes << 20)
    if key:
        guarded = tuple(app.router.routes) if settings.accounts else None
        app.add_middleware(_KeyNeeded, key=key, guarded=guarded)
    else:
        app.add_middleware(_LoopbackNames)
    app.add_middleware(_SecurityHeaders)


class _KeyNeeded:
    """Answers 401 to requests without the key."""

    def __init__(self, app: ASGIApp, key: str, guarded: Sequence[BaseRoute] | None = None) -> None:
        """Guard these routes, or every path."""
        self._app = app
        self._key = key.encode()
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "lifespan"
            or scope["path"] in OPEN_PATHS
            or not self._guards(scope)
            or compare_digest(_key_of(Headers(scope=scope)), self._key)
        ):
            await self._app(scope, receive, send)
            return
        detail = "A key is needed: Authorization: Bearer KEY, X-API-Key: KEY, or as a password."
        # a browser asks for the password; any name does
        challenge = {"www-authenticate": 'Bearer, Basic realm="Twin", charset="UTF-8"'}
        await problem_response(401, detail, headers=challenge)(scope, receive, send)

    def _guards(self, scope: Scope) -> bool:
        if self._guarded is None:
            return True
        return any(route.matches(scope)[0] is not Match.NONE for route in self._guarded)


def _key_of(headers: Headers) -> bytes:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return b64decode(value).partition(b":")[2]
        except ValueError:  # it is no base64, or not even ASCII
            return b""
    return headers.get("x-api-key", "").encode("latin-1")


class _LoopbackNames:
    """Answers 421 where the host is not named as this machine.

    Without a key, a web page elsewhere could otherwise have its own name resolve to this machine,
    and read what the browser on it may read (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_loopback(_host_of(Headers(scope=scope))):
            await self._app(scope, receive, send)
            return
        detail = "Without TWIN_API_KEY only localhost is answered. Set a key to use other names."
        await problem_response(421, detail)(scope, receive, send)


def _host_of(headers: Headers) -> str:
    host = headers.get("host", "")
    return host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


class _SizeLimit:
    """Answers 413 to bodies over a mebibyte, whether or not they say their size.

    A file that is uploaded to the page may have ``upload`` bytes more.
    """

    def __init__(self, app: ASGIApp, upload: int) -> None:
        self._app = app
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = _MOST_BYTES + (self._upload if scope["path"] == _UPLOAD else 0)
        detail = f"The request has more than {most:,} bytes."
        said = Headers(scope=scope).get("content-length", "0")
        if said.isdecimal() and int(said) > most:
            await problem_response(413, detail)(scope, receive, send)
            return
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(413, detail)
            return message

        await self._app(scope, counted, send)


class _SecurityHeaders:
    """Adds the headers to every response; unlike a wrapper of responses it leaves streams alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
