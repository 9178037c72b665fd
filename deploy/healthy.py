"""Tell by the exit code whether a service works: ``healthy.py http://HOST:PORT/PATH | grpc:PORT``.

Dagster's own check of a code location imports all of Dagster, which every half minute is too dear.
"""

import sys
from urllib.request import urlopen

_SECONDS = 5


def main(what: str) -> None:
    """Exit with 1 and a line unless the service answers that it works."""
    try:
        working = _serving(what.removeprefix("grpc:")) if what.startswith("grpc:") else _ok(what)
    except Exception as error:
        sys.exit(f"{what}: {error}")
    if not working:
        sys.exit(f"{what} answers, but does not work yet.")


def _ok(url: str) -> bool:
    with urlopen(url, timeout=_SECONDS) as response:  # noqa: S310  # the URL is compose.yaml's
        return bool(response.status == 200)


def _serving(port: str) -> bool:
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = HealthCheckRequest(service="DagsterApi")
        status = HealthStub(channel).Check(request, timeout=_SECONDS).status
    return bool(status == HealthCheckResponse.SERVING)


if __name__ == "__main__":
    main(sys.argv[1])
