"""What the tests of the HTTP client share."""

from collections.abc import Callable

import pytest
from webserver import WebServer

from twin_assets.crawlers.http.client import HttpClient
from twin_assets.crawlers.http.faults import FetchError

SITE = "https://blog.example"
LINK = f"{SITE}/a"

MakeClient = Callable[..., HttpClient]
MakeSite = Callable[[str], WebServer]


def fault(client: HttpClient, link: str = LINK, **options: object) -> FetchError:
    """Return the fault that the link has, a message of one line."""
    with pytest.raises(FetchError) as caught:
        client.get(link, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value
