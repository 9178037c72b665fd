"""Reaching Qdrant, on a server or in a folder, and what goes wrong with either in one line."""

import atexit
import fcntl
import json
import shutil
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4
from weakref import WeakSet

import httpx

from twin_assets.errors import BadInputError, StorageError
from twin_assets.stores.faults import as_one_line, first_line
from twin_assets.stores.qdrant.retries import GRPC_OPTIONS, RetryingTransport

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_TIMEOUT = 30  # seconds a request may take
_PATIENCE = 60  # seconds to wait for another process that writes to the folder
_LOCK = "twin.lock"
_META = "meta.json"  # the client's list of collections
_ROWS = "collection/*/storage.sqlite"  # the client's rows, one file a collection

_OPEN: "WeakSet[QdrantClient]" = WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what is open still: a client that is closed any later prints a stack trace."""
    for client in list(_OPEN):
        client.close()


class QdrantDatabase(ABC):
    """Gives clients, and turns what goes wrong in using them into one line."""

    is_server: ClassVar[bool]

    @abstractmethod
    @contextmanager
    def writer(self) -> Iterator["QdrantClient"]:
        """Give a client that may write until the block ends.

        Raises:
            StorageError: Qdrant fails at what is done in the block.
        """

    @abstractmethod
    def reader(self) -> "QdrantClient":
        """Return a client that sees all that was written before; use it under :meth:`faults`.

        Raises:
            StorageError: there is none to be had.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return what it is, its version and where, having asked it.

        Raises:
            StorageError: it cannot be asked.
        """

    @abstractmethod
    def _line(self, error: Exception) -> str:
        """Say what is wrong and what to do."""

    def faults(self) -> AbstractContextManager[None]:
        """Turn whatever the client raises into one line; raises StorageError."""
        return as_one_line(self._line)


class QdrantServer(QdrantDatabase):
    """A server, over REST or gRPC; requests that it cannot answer for the moment are repeated."""

    is_server = True

    def __init__(self, url: str, api_key: str | None, *, grpc: bool) -> None:
        """Use the server. Nothing is asked yet."""
        self._url = url
        self._api_key = api_key
        self._grpc = grpc
        self._client: QdrantClient | None = None

    @contextmanager
    def writer(self) -> Iterator["QdrantClient"]:
        """See :meth:`QdrantDatabase.writer`."""
        client = self.reader()
        with self.faults():
            yield client

    def reader(self) -> "QdrantClient":
        """See :meth:`QdrantDatabase.reader`.

        Raises:
            BadInputError: the URL is none.
        """
        if self._client is None:
            self._client = self._connect()
            _OPEN.add(self._client)
        return self._client

    def describe(self) -> str:
        """See :meth:`QdrantDatabase.describe`."""
        client = self.reader()
        with self.faults():
            client.get_collections()  # the version is told without a key
            return f"Qdrant {client.info().version} at {self._address}"

    def _connect(self) -> "QdrantClient":
        from qdrant_client import QdrantClient

        try:
            return QdrantClient(
                url=self._address,
                # The client warns of a key that goes over http, which is usual inside a compose
                # network, but not of a header.
                headers={"api-key": self._api_key} if self._api_key else None,
                prefer_grpc=self._grpc,
                grpc_options=dict(GRPC_OPTIONS),
                timeout=_TIMEOUT,
                check_compatibility=False,  # it warns from a thread of its own
                transport=RetryingTransport(httpx.HTTPTransport()),
            )
        except ValueError:  # of the URL's port, of its scheme
            raise BadInputError(
                "TWIN_QDRANT_URL is not a server's address, which looks like http://host:6333."
            ) from None

    @property
    def _address(self) -> str:
        """The URL without a name, password or key in it, and with its port."""
        parts = urlsplit(self._url if "://" in self._url else f"http://{self._url}")
        host = parts.netloc.rpartition("@")[2]
        port = "" if parts.port else ":6333"
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"

    def _line(self, error: Exception) -> str:
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        at = f"Qdrant at {self._address}" + (" (gRPC: port 6334)" if self._grpc else "")
        cause = error.source if isinstance(error, ResponseHandlingException) else error
        code = _grpc_code(cause)
        status = cause.status_code if isinstance(cause, UnexpectedResponse) else None
        if isinstance(cause, httpx.TimeoutException) or code == "DEADLINE_EXCEEDED":
            return f"{at} takes more than {_TIMEOUT} seconds. See its log, and try again."
        if isinstance(cause, httpx.TransportError) or code == "UNAVAILABLE":
            return f"{at} does not answer. Start it, or unset TWIN_QDRANT_URL."
        if status in (401, 403) or code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return f"{at} refuses access. Check TWIN_QDRANT_API_KEY."
        detail = "its answer is none of Qdrant's"
        if isinstance(cause, UnexpectedResponse):
            detail = f"it answers {status}{_reason(cause.content)}"
        elif code:
            detail = f"it answers {code}"
        return (
            f"{at} cannot do what it was asked: {detail}. Check TWIN_QDRANT_URL and the server's "
            "log."
        )


class QdrantFolder(QdrantDatabase):
    """The client's local mode, which lets one process at a time into the folder.

    Only a writer goes into it. A reader takes a copy, which it can do while another process
    writes, holds it in memory, and keeps it until something else was written.
    """

    is_server = False

    def __init__(self, folder: Path) -> None:
        """Use the folder; the first writer makes it."""
        self._folder = folder
        self._copy: tuple[str, QdrantClient] | None = None

    @contextmanager
    def writer(self) -> Iterator["QdrantClient"]:
        """See :meth:`QdrantDatabase.writer`. Waits for a writer in another process."""
        from qdrant_client import QdrantClient

        with self.faults():
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / _LOCK).open("a+") as lock:
                self._wait_for(lock.fileno())
                with closing(QdrantClient(path=str(self._folder))) as client:
                    yield client
                lock.truncate(0)
                lock.write(uuid4().hex)

    def _wait_for(self, lock: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"Another process has been writing to {self._folder} for {_PATIENCE} "
                        "seconds. Try again when it is done, or run a Qdrant server and set "
                        "TWIN_QDRANT_URL."
                    ) from None
                time.sleep(0.02)

    def reader(self) -> "QdrantClient":
        """See :meth:`QdrantDatabase.reader`. What is written later, the client does not see."""
        with self.faults():
            try:
                written = (self._folder / _LOCK).read_text()
            except FileNotFoundError:
                written = ""
            if self._copy is None or self._copy[0] != written:
                self._copy = written, self._open_copy()
                _OPEN.add(self._copy[1])
            return self._copy[1]

    def describe(self) -> str:
        """See :meth:`QdrantDatabase.describe`."""
        self.reader()
        version = metadata.version("qdrant-client")
        return f"the local mode of qdrant-client {version} in {self._folder}"

    def _open_copy(self) -> "QdrantClient":
        from qdrant_client import QdrantClient

        if not (self._folder / _META).is_file():
            return QdrantClient(":memory:")
        with TemporaryDirectory(prefix="twin-qdrant-") as temporary:
            copy = Path(temporary)
            shutil.copyfile(self._folder / _META, copy / _META)
            for path in self._folder.glob(_ROWS):
                target = copy / path.relative_to(self._folder)
                target.parent.mkdir(parents=True)
                # SQLite's own way to copy is whole whatever a writer does meanwhile.
                with closing(sqlite3.connect(path)) as rows, closing(sqlite3.connect(target)) as to:
                    rows.backup(to)
            return QdrantClient(path=temporary, force_disable_check_same_thread=True)

    def _line(self, error: Exception) -> str:
        return (
            f"The Qdrant folder {self._folder} cannot be used: {first_line(error)}. Check the "
            "rights and free space of TWIN_HOME; where the folder is broken, remove "
            f"{self._folder.parent} and run `twin build`."
        )


def _grpc_code(error: Exception) -> str:
    """Return the name of a gRPC status, or nothing for an error of another kind."""
    code = getattr(error, "code", None)
    return str(getattr(code(), "name", "")) if callable(code) else ""


def _reason(content: bytes) -> str:
    """Return what Qdrant says went wrong, as one short line."""
    try:
        reason = json.loads(content)["status"]["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({' '.join(str(reason).split())[:200]})"
