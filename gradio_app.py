"""Serve the page: ``python gradio_app.py``."""

import logging
import os
import socket
import sys
from asyncio import CancelledError
from contextlib import suppress

import uvicorn

from twin_assets.errors import BadInputError, TwinError
from twin_assets.settings import TwinSettings, check_binding, load_settings
from twin_serving.api import create_app
from twin_serving.twin import Twin
from twin_serving.uploads import arriving_folder

_GOODBYE_SECONDS = 1  # an open page holds a stream that would keep the server from ending


def main() -> None:
    """Serve the page until interrupted; exit with 1 and one line if it cannot start."""
    try:
        settings = load_settings()
        check_binding(settings)
        listener = _listen(settings)
        twin = Twin(settings)
        os.environ["GRADIO_TEMP_DIR"] = str(arriving_folder(settings))
        app = create_app(twin)
    except TwinError as error:
        sys.exit(str(error))
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=_GOODBYE_SECONDS, server_header=False
    )
    logging.getLogger("uvicorn.error").addFilter(_is_a_fault)
    with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
        uvicorn.Server(config).run(sockets=[listener])


def _is_a_fault(record: logging.LogRecord) -> bool:
    """Tell a fault from a stream to an open page that ends with the server."""
    return not (record.exc_info and isinstance(record.exc_info[1], CancelledError))


def _listen(settings: TwinSettings) -> socket.socket:
    """Take the page's port before anything slow begins.

    Raises:
        BadInputError: the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.page_port), family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # Python adds the address, once more
        raise BadInputError(
            f"The page cannot listen on {settings.host}:{settings.page_port}: {reason}. "
            "Set TWIN_PAGE_PORT or TWIN_HOST."
        ) from None


if __name__ == "__main__":
    main()
