"""The real application over the sample authors, on a real socket."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from api_calls import Serve
from app_servers import serving

from twin_assets.settings import TwinSettings
from twin_serving.twin import Twin


@pytest.fixture(scope="module")
def address(sample_home: TwinSettings) -> Iterator[str]:
    """The application without a model server."""
    with serving(Twin(sample_home)) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as opened:
        yield opened


@pytest.fixture
def serve(sample_home: TwinSettings) -> Iterator[Serve]:
    """Serves the sample authors with other settings."""
    with ExitStack() as stack:

        def start(**changes: Any) -> httpx.Client:
            twin = Twin(sample_home.model_copy(update=changes))
            url = stack.enter_context(serving(twin))
            return stack.enter_context(httpx.Client(base_url=url, timeout=60))

        yield start
