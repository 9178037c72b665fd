"""The twins as tools for agents, by the Model Context Protocol at ``/mcp``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import Field
from starlette.routing import BaseRoute

from twin_assets.errors import TwinError
from twin_serving.answers import Answer
from twin_serving.retrieval import PRESETS, RetrievalOptions
from twin_serving.serialize import AnswerJson, RetrievalJson, answer_dict, retrieval_dict
from twin_serving.twin import Twin

_THROUGH = "mcp"

Question = Annotated[str, Field(description="The question, in any language.")]
Author = Annotated[
    str | None, Field(description="An author's name or slug; else whom the question names.")
]
Preset = Annotated[
    Literal["fast", "balanced", "thorough"], Field(description="How much searching is worth it.")
]


def create_mcp(twin: Twin) -> tuple[MCPServer[Any], Sequence[BaseRoute]]:
    """Return the server with its tools, and its routes; its session manager has to be run."""
    server: MCPServer[Any] = MCPServer(
        "twin",
        instructions="Answers questions from what chosen authors wrote, with citations.",
        log_level="WARNING",
    )

    @server.tool()
    async def retrieve(
        question: Question, author: Author = None, preset: Preset = "balanced"
    ) -> RetrievalJson:
        """Find the passages that a question is answered by, with their sources."""
        try:
            return retrieval_dict(await twin.retrieve_async(question, _options(author, preset)))
        except TwinError as error:
            raise ToolError(str(error)) from None

    @server.tool()
    async def ask(
        question: Question, author: Author = None, preset: Preset = "balanced"
    ) -> AnswerJson:
        """Answer a question from what the authors wrote, citing the passages as [n]."""
        try:
            stream = twin.stream(question, _options(author, preset), through=_THROUGH)
            *_, answer = [event async for event in stream]
        except TwinError as error:
            raise ToolError(str(error)) from None
        assert isinstance(answer, Answer)  # noqa: S101  # the stream always ends with it
        return answer_dict(answer)

    app = server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        # the application checks the host's name itself, see guard
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return server, app.routes


def _options(author: str | None, preset: str) -> RetrievalOptions:
    return replace(PRESETS[preset], author=author or None)
