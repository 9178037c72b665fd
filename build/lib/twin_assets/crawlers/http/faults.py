"""Why a link could not be had."""

from datetime import datetime
from enum import StrEnum

from twin_assets.errors import TwinError


class Reason(StrEnum):
    """What kind of fault it was; the message of the error says it in words."""

    GONE = "gone"
    ROBOTS = "refused by robots.txt"
    ADDRESS = "address not allowed"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    REDIRECTS = "too many redirects"
    RATE_LIMITED = "rate limited"
    LOGIN_WALL = "needs a login"
    REFUSED = "refused by the server"
    SERVER_FAULT = "server fault"
    CONTENT_TYPE = "unexpected content type"
    TOO_LARGE = "too large"
    BROKEN = "broken answer"


class FetchError(TwinError):
    """A link that could not be had. The message goes beside the link and does not repeat it.

    Attributes:
        reason: the kind of fault.
        until: when the server asks to come back, where it does.
    """

    def __init__(self, reason: Reason, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.until = until
