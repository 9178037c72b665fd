"""Times as people write them."""

from datetime import UTC, datetime, time

from twin_assets.errors import BadInputError


def read_moment(text: str) -> datetime:
    """Return the time that an ISO 8601 text names: of a day its end, without a zone in UTC.

    Raises:
        BadInputError: it names none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInputError(
            f"{text!r} is not an ISO 8601 date or time, as 2026-05-31 is."
        ) from None
    if len(text.strip()) <= len("2026-05-31"):
        moment = datetime.combine(moment, time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
