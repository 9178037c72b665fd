"""Events as text: what Dagster writes is read, and what is written Dagster reads."""

import math

import pytest
from dagster import MetadataValue
from dagster._serdes import deserialize_value, serialize_value

from twin_assets.event_text import read_text, write_text


@pytest.mark.parametrize(
    "text", ["a rye starter", "ciabatta è pronta \u2026 \U0001f35e", "half \ud83c"]
)
def test_a_text_comes_back_as_dagster_wrote_it(text: str) -> None:
    value = MetadataValue.text(text)
    written = write_text(read_text(serialize_value(value)))
    assert deserialize_value(written) == value
    assert written.isascii()


def test_what_is_no_number_is_read_and_becomes_nothing() -> None:
    stored = read_text(serialize_value(MetadataValue.float(math.nan)))
    assert math.isnan(stored["value"])
    for text in ("plain", "è pronta"):
        assert read_text(write_text({**stored, "text": text}))["value"] is None
