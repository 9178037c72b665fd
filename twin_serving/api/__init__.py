"""The web application: the HTTP API, the tools for agents, and the page on top."""

import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from twin_assets.embedding import embedder_for
from twin_serving.api.guard import add_guards
from twin_serving.api.health import health_routes
from twin_serving.api.mcp import create_mcp
from twin_serving.api.openai import openai_routes
from twin_serving.api.problems import add_problems, refuse_other_methods
from twin_serving.api.questions import question_routes
from twin_serving.api.served import served_routes
from twin_serving.page import mount_page
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_DESCRIPTION = """\
Questions about what chosen authors wrote, answered with citations.

Where `TWIN_API_KEY` is set, every path but the two of health wants it: as `Authorization: Bearer`,
as `X-API-Key`, or as the password of HTTP Basic. Faults are `application/problem+json` (RFC 9457).
"""


def create_app(twin: Twin) -> FastAPI:
    """Return the application: the API, ``/mcp`` for agents, and the page at ``/``.

    Raises:
        BadInputError: it would listen beyond this machine without a key.
    """
    # OpenMP's threads wait for one another by spinning, and so keep the cores from what they wait
    # for: with two busy processes beside, a question took 218 ms instead of 39 (fast, 2 cores).
    # Where nothing else runs, as in a build, spinning is faster. Torch reads this as it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    mcp, mcp_routes = create_mcp(twin)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=_warm, args=(twin,), name="warm-embedder", daemon=True).start()
        async with mcp.session_manager.run():
            yield
        twin.telemetry.close()

    # the interactive documentation would load its scripts from elsewhere
    app = FastAPI(
        title="Twin",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    add_problems(app)
    for routes in (
        question_routes(twin),
        served_routes(twin),
        openai_routes(twin),
        health_routes(twin),
    ):
        app.include_router(routes)
    refuse_other_methods(app)
    app.router.routes.extend(mcp_routes)
    add_guards(app, twin.settings)
    mount_page(app, twin)
    return app


def _warm(twin: Twin) -> None:
    """Load the model, so that the first question does not wait for it."""
    try:
        embedder_for(twin.settings).encode(["warm"])
    except Exception:
        # the first question meets the same fault and shows it
        _log.warning("The embedding model could not be loaded ahead of the first question")
