"""What the tests of the HTTP client share."""

from collections.abc import Callable
from functools import partial

import pytest
from webserver import LocalNetwork, ManualTime, WebServer

from twin_assets.crawlers.http.client import HttpClient
from twin_assets.crawlers.http.faults import FetchError

SITE = "https://blog.example"
LINK = f"{SITE}/a"

MakeClient = Callable[..., HttpClient]
MakeSite = Callable[[str], WebServer]


def client_on(network: LocalNetwork, time: ManualTime) -> partial[HttpClient]:
    """Return what makes clients on the network; pauses take no time, and grow by no chance."""
    return partial(
        HttpClient,
        resolve=network.resolve,
        timing=time.timing,
        network=network,
        jitter=lambda: 0.0,
    )


def fault(client: HttpClient, link: str = LINK, **options: object) -> FetchError:
    """Return the fault that the link has, a message of one line."""
    with pytest.raises(FetchError) as caught:
        client.get(link, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value
