"""Replies that were asked for as JSON, and may come with words or a code fence round it."""

import json
from typing import Any


def field_of(reply: str, name: str, default: Any = None) -> Any:
    """Return the field of the JSON object in the reply, or the default where there is none."""
    start, end = reply.find("{"), reply.rfind("}")
    try:
        return json.loads(reply[start : end + 1])[name]
    except (ValueError, KeyError, TypeError):
        return default
