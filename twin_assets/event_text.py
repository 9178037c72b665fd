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
    """Return the text that says so, in ASCII as Dagster's own: a database may take no other.

    NaN becomes null, as which the UI is told of one.
    """
    try:
        text = orjson.dumps(stored).decode()
    except orjson.JSONEncodeError:
        return json.dumps(stored)
    return text if text.isascii() else json.dumps(orjson.loads(text))
