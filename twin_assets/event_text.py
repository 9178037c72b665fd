"""Dagster's events as the JSON text that they are stored as."""

import json
from typing import Any

import orjson

Stored = dict[str, Any]  # one of Dagster's objects as it stands in the text


def read_text(text: str) -> Stored:
    """Return what the text says."""
    stored: Stored
    try:
        stored = orjson.loads(text)
    except orjson.JSONDecodeError:  # Dagster writes NaN and halves of characters, which JSON lacks
        stored = json.loads(text)
    return stored


def write_text(stored: Stored) -> str:
    """Return the text that says so, with null for NaN, as the UI is told of one."""
    try:
        return orjson.dumps(stored).decode()
    except orjson.JSONEncodeError:
        return json.dumps(stored)
