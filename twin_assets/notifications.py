"""Telling somebody that a run failed: a line in the log, or a message to a web address."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from twin_assets.errors import TwinError
from twin_assets.hooks import load_hook
from twin_assets.settings import TwinSettings

_TIMEOUT_SECONDS = 10.0
_PAUSES = (1.0, 4.0)  # seconds before the second and the third attempt
_MOST = 20  # failures that are listed; the message says how many there are


@dataclass(frozen=True, slots=True)
class Failure:
    """An author that an asset, or a check of it, stopped, and why in one line.

    Author and asset are empty where a whole run failed.
    """

    author: str
    asset: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A run that failed. ``link`` leads to it in the Dagster UI."""

    job: str
    link: str
    failures: Sequence[Failure]

    @property
    def text(self) -> str:
        """The notice in one line."""
        first = self.failures[0]
        whom = f"{first.author} failed in {first.asset}" if first.author else "it failed"
        others = f" and {len(self.failures) - 1} more" if len(self.failures) > 1 else ""
        return f"{self.job}: {whom}: {first.reason}{others} ({self.link})"


class NotifyError(TwinError):
    """A notice that could not be delivered."""


class Notifier(Protocol):
    """Somebody or something to be told."""

    def notify(self, notice: Notice) -> None:
        """Deliver the notice.

        Raises:
            NotifyError: it cannot be delivered.
        """
        ...


class LogNotifier:
    """Writes notices to a log."""

    def __init__(self, log: logging.Logger) -> None:
        """Write to the log."""
        self._log = log

    def notify(self, notice: Notice) -> None:
        """See :meth:`Notifier.notify`."""
        self._log.error(notice.text)


class WebhookNotifier:
    """Posts notices as JSON.

    ``{"text", "job", "run", "count", "failures": [{"author", "asset", "reason"}]}``; ``text`` is
    what chat programs with incoming webhooks show.
    """

    def __init__(self, url: str) -> None:
        """Post to the URL, which is a secret: it is in no message."""
        self._url = url

    def notify(self, notice: Notice) -> None:
        """See :meth:`Notifier.notify`; tries again, twice, where the address does not answer."""
        body = {
            "text": notice.text,
            "job": notice.job,
            "run": notice.link,
            "count": len(notice.failures),
            "failures": [asdict(failure) for failure in notice.failures[:_MOST]],
        }
        for pause in (*_PAUSES, None):
            fault = self._post(body)
            if fault is None:
                return
            if pause is None or not fault.passing:
                raise NotifyError(
                    f"The failed run could not be told of: {fault.reason}. Check TWIN_NOTIFY_URL."
                )
            time.sleep(pause)

    def _post(self, body: object) -> "_Fault | None":
        import httpx

        try:
            answer = httpx.post(self._url, json=body, timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError as error:
            return _Fault(f"the address does not answer ({type(error).__name__})", passing=True)
        except (httpx.InvalidURL, httpx.HTTPError, ValueError):
            return _Fault("it is no web address", passing=False)
        if answer.is_success:
            return None
        return _Fault(f"it answers with status {answer.status_code}", answer.is_server_error)


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str
    passing: bool


class HookNotifier:
    """Hands notices to a function of the user's own."""

    def __init__(self, hook: Callable[[Notice], object]) -> None:
        """Call the function."""
        self._hook = hook

    def notify(self, notice: Notice) -> None:
        """See :meth:`Notifier.notify`."""
        try:
            self._hook(notice)
        except Exception as error:  # whose words may be secret
            raise NotifyError(
                "The failed run could not be told of: the function that TWIN_NOTIFY_HOOK names "
                f"raised {type(error).__name__}."
            ) from None


def create_notifier(settings: TwinSettings, log: logging.Logger) -> Notifier:
    """Return whom the settings name to be told: a function, a web address, or else the log.

    Raises:
        BadInputError: there is no such function.
    """
    if settings.notify_hook:
        return HookNotifier(load_hook("TWIN_NOTIFY_HOOK", settings.notify_hook))
    url = settings.notify_url.get_secret_value()
    return WebhookNotifier(url) if url else LogNotifier(log)
