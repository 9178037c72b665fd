"""Connections that go to the very address that was checked, and that end when the time is over."""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
from httpcore import SOCKET_OPTION, NetworkBackend, NetworkStream

from twin_assets.crawlers.http.addresses import Resolve, allowed_addresses

SecondsLeft = Callable[[], float]


class GuardedBackend(NetworkBackend):
    """Resolves a host once, checks the addresses, and connects to one of them by number.

    Nothing is resolved again between the check and the connection, so a name whose DNS answer
    changes in between gains nothing. The Host header and the certificate's name stay the host's.
    """

    def __init__(
        self,
        resolve: Resolve,
        base: NetworkBackend,
        seconds_left: SecondsLeft,
        *,
        allow_private: bool,
    ) -> None:
        self._resolve = resolve
        self._base = base
        self._seconds_left = seconds_left
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Connect to the first of the host's addresses that takes the connection.

        Raises:
            FetchError: the name is not known, or an address is not public.
            httpcore.ConnectError: no address takes the connection.
            httpcore.ConnectTimeout: no address answers in time.
        """
        addresses = allowed_addresses(host, port, self._resolve, allow_private=self._allow_private)
        fault: Exception | None = None
        for address in addresses:
            try:
                stream = self._base.connect_tcp(
                    address,
                    port,
                    _within(timeout, self._seconds_left),
                    local_address,
                    socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
            else:
                return _BoundedStream(stream, self._seconds_left)
        raise fault or httpcore.ConnectError


class _BoundedStream(NetworkStream):
    """A stream on which no step takes longer than what is left of the link's time.

    A timeout for each step alone would let a server that sends a byte now and then, be it of the
    headers, hold the connection for ever.
    """

    def __init__(self, stream: NetworkStream, seconds_left: SecondsLeft) -> None:
        self._stream = stream
        self._seconds_left = seconds_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within(timeout, self._seconds_left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within(timeout, self._seconds_left))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        timeout = _within(timeout, self._seconds_left)
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _BoundedStream(secured, self._seconds_left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _within(timeout: float | None, seconds_left: SecondsLeft) -> float:
    """Return the step's timeout, cut to the time that is left.

    Raises:
        httpcore.ReadTimeout: none is left.
    """
    left = seconds_left()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(timeout, left)
