"""Calls of the HTTP API, and what its streams say."""

import json
from collections.abc import Callable
from typing import Any

import httpx

Serve = Callable[..., httpx.Client]
Events = list[tuple[str, Any]]


def events(response: httpx.Response) -> Events:
    """Return a stream's events with their data."""
    found: Events = []
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            found.append((name, json.loads(value)))
    return found
