"""The twins as tools for agents, by the Model Context Protocol at ``/mcp``."""

from collections.abc import Sequence
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import BaseRoute

from twin_serving.tools import Tools
from twin_serving.twin import Twin


def create_mcp(twin: Twin) -> tuple[MCPServer[Any], Sequence[BaseRoute]]:
    """Return the server with its tools, and its routes; its session manager has to be run."""
    server: MCPServer[Any] = MCPServer(
        "twin",
        instructions="Answers questions from what chosen authors wrote, with citations.",
        log_level="WARNING",
    )
    tools = Tools(twin, "mcp", ToolError)
    server.add_tool(tools.retrieve)
    server.add_tool(tools.ask)

    app = server.streamable_http_app(
        stateless_http=True,  # answered as a stream, whose reader is missed when it leaves
        # the application checks the host's name itself, see guard
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return server, app.routes
