"""Times as people write them."""

import pytest

from twin_assets.errors import BadInputError
from twin_serving.moments import read_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-31", "2026-05-31T23:59:59.999999+00:00"),
        (" 2026-05-31 ", "2026-05-31T23:59:59.999999+00:00"),
        ("2026-05-31T10:00", "2026-05-31T10:00:00+00:00"),
        ("2026-05-31T10:00+02:00", "2026-05-31T10:00:00+02:00"),
    ],
)
def test_a_day_means_its_end_and_no_zone_means_utc(text: str, moment: str) -> None:
    assert read_moment(text).isoformat() == moment


@pytest.mark.parametrize("text", ["", "yesterday", "31.5.2026", "2026-13-01"])
def test_what_is_no_time_is_one_line(text: str) -> None:
    with pytest.raises(BadInputError, match="2026-05-31"):
        read_moment(text)
