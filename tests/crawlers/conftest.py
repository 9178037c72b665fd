"""A make-believe Internet with one client on it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fetching import MakeClient, MakeSite, client_on
from webserver import LocalNetwork, ManualTime, WebServer

from twin_assets.crawlers.http.client import HttpClient, HttpOptions


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def network() -> LocalNetwork:
    return LocalNetwork()


@pytest.fixture
def site(time: ManualTime, network: LocalNetwork) -> Iterator[MakeSite]:
    """Makes a server that a name leads to."""
    with ExitStack() as servers:

        def make(name: str) -> WebServer:
            server = servers.enter_context(WebServer(time.clock))
            network.add(name, server)
            return server

        yield make


@pytest.fixture
def blog(site: MakeSite) -> WebServer:
    """The server of blog.example."""
    return site("blog.example")


@pytest.fixture
def make_client(time: ManualTime, network: LocalNetwork, site: MakeSite) -> Iterator[MakeClient]:
    """Makes clients on the network."""
    with ExitStack() as clients:

        def make(**options: object) -> HttpClient:
            client = client_on(network, time)(HttpOptions(**options))  # type: ignore[arg-type]
            return clients.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> HttpClient:
    """A client as it is by default."""
    return make_client()
