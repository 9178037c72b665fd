"""Repeating requests to a Qdrant server that may go well the next time.

Every request of ours may be repeated: points have ids of their own, and removing twice is removing.
"""

import json
import time

import httpx

_PAUSES = (0.25, 0.5, 1.0)  # seconds before the second, third and fourth attempt
_PASSING = (429, 500, 502, 503, 504)

GRPC_OPTIONS = {
    "grpc.service_config": json.dumps(
        {
            "methodConfig": [
                {
                    "name": [{}],
                    "retryPolicy": {
                        "maxAttempts": len(_PAUSES) + 1,
                        "initialBackoff": f"{_PAUSES[0]}s",
                        "maxBackoff": f"{_PAUSES[-1]}s",
                        "backoffMultiplier": 2,
                        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
                    },
                }
            ]
        }
    )
}


class RetryingTransport(httpx.BaseTransport):
    """Repeats a request on a connection that fails and on an answer that will pass.

    Not on a time-out: what has taken so long already would only take longer.
    """

    def __init__(self, transport: httpx.BaseTransport) -> None:
        """Send requests by the transport."""
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the first answer that is not to be repeated, or the last."""
        for pause in _PAUSES:
            try:
                response = self._transport.handle_request(request)
            except httpx.TimeoutException:
                raise
            except httpx.TransportError:
                pass
            else:
                if response.status_code not in _PASSING:
                    return response
                response.close()
            time.sleep(pause)
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()
