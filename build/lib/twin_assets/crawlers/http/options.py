"""How the HTTP client behaves."""

from dataclasses import dataclass, field
from importlib.metadata import version


def _user_agent() -> str:
    return f"twin/{version('twin')}"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How the HTTP client behaves.

    Attributes:
        user_agent: what it calls itself; the part before ``/`` is its name in robots.txt.
        delay_seconds: pause between two requests to a host.
        retries: attempts after the first where a fault may pass.
        backoff_seconds: pause before the first retry; each next one is twice as long.
        longest_wait_seconds: a host that asks for a longer pause is left alone, and a Crawl-delay
            counts as this at most.
        connect_seconds: time for a connection to be made.
        read_seconds: time for the server to send or take anything at all.
        link_seconds: time for a link in all: its redirects, attempts and the pauses between them.
        max_bytes: the largest page, packed and unpacked.
        max_redirects: redirects followed for a link.
        allow_private: whether addresses that are not public may be connected to.
    """

    user_agent: str = field(default_factory=_user_agent)
    delay_seconds: float = 1.0
    retries: int = 2
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    link_seconds: float = 90.0
    max_bytes: int = 10 * 1024 * 1024
    max_redirects: int = 10
    allow_private: bool = False
