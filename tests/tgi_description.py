"""The OpenAPI description of text-generation-inference, which its stand-in is checked by."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from shared_data import shared_data


class TgiDescription:
    """Tells what is wrong with a request or an answer. Skips the test without the description."""

    def __init__(self) -> None:
        path = shared_data() / "tgi" / "openapi.json"
        if not path.is_file():
            pytest.skip(f"needs tgi/openapi.json in {path.parents[1]} (set TWIN_TEST_DATA)")
        self._components = _as_json_schema(json.loads(path.read_bytes())["components"])

    def faults(self, schema: str, value: Any) -> list[str]:
        """Return what is wrong with the value, a line each: none where it fits the schema."""
        root = {"$ref": f"#/components/schemas/{schema}", "components": self._components}
        return [
            f"{schema} {error.json_path}: {error.message}"
            for error in Draft202012Validator(root).iter_errors(value)
        ]


def _as_json_schema(described: Any) -> Any:
    """Return OpenAPI 3.0's dialect as JSON Schema: null is a type of its own there."""
    if isinstance(described, list):
        return [_as_json_schema(item) for item in described]
    if not isinstance(described, dict):
        return described
    schema = {key: _as_json_schema(value) for key, value in described.items()}
    if schema.pop("nullable", None) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema
