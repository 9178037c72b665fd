"""What goes wrong at a model server, in one line each, the same for every provider."""

import re
import ssl
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from twin_assets.errors import (
    ContextTooLongError,
    ModelServerError,
    ModelServerUnavailableError,
)

CONNECT_SECONDS = 5.0
_SHOWN = 200  # characters of what a server says of a fault
_TOO_MANY_REQUESTS = 429
# Said by TGI, vLLM, llama.cpp, SGLang and OpenAI of a prompt that has too many tokens.
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|max_new_tokens|max_total_tokens"
    r"|must have less than \d+ tokens|(prompt|input).{0,20} too long",
    re.IGNORECASE,
)


def is_too_long(said: object) -> bool:
    """Tell whether a server says that the prompt has too many tokens for the model."""
    return _TOO_LONG.search(str(said)) is not None


@cache
def tls() -> ssl.SSLContext:
    """Return the certificates that servers are judged by; reading them takes 20 ms and more."""
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server as its faults speak of it; ``url_setting`` and ``key_setting`` say what to set."""

    url: str
    url_setting: str
    key_setting: str
    key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The server with its address, without a name and password."""
        parts = urlsplit(self.url)
        place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return f"The model server at {place}"

    def refused(
        self, status: int, said: str, retry_after: str | float | None = None
    ) -> ModelServerError:
        """Return the fault behind an HTTP status that is none of success.

        Args:
            status: the status.
            said: what the server says of it.
            retry_after: seconds, as its header says them.
        """
        if status in (401, 403):
            return ModelServerError(f"{self.name} refuses the key. Set {self.key_setting}.")
        line = f"{self.name} answers {status}: {self._shown(said)}"
        if status == _TOO_MANY_REQUESTS or status >= 500:
            return ModelServerUnavailableError(f"{line}.", _seconds(retry_after))
        if is_too_long(said):
            return ContextTooLongError(f"{line}.")
        return ModelServerError(f"{line}.")

    def unreachable(self) -> ModelServerError:
        """Return the fault of a connection that could not be made, or broke."""
        return ModelServerUnavailableError(
            f"{self.name} cannot be reached, or broke off. Start it, or set {self.url_setting}."
        )

    def silent(self, seconds: float) -> ModelServerError:
        """Return the fault of a server that has said nothing for so long."""
        return ModelServerError(
            f"{self.name} was silent for {seconds:g} s (TWIN_LLM_TIMEOUT_SECONDS)."
        )

    def unreadable(self, error: Exception) -> ModelServerError:
        """Return the fault of an answer that is not in the protocol."""
        return ModelServerError(
            f"{self.name} answers what cannot be read ({type(error).__name__})."
        )

    def empty(self) -> ModelServerError:
        """Return the fault of an answer without text."""
        return ModelServerError(f"{self.name} answered nothing.")

    def _shown(self, said: str) -> str:
        words = " ".join(said.split()).rstrip(".")
        if self.key:
            words = words.replace(self.key, "…")
        return words[:_SHOWN] or "nothing more"


def _seconds(value: str | float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None  # a date: the usual pause is as good
