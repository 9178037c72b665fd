"""Reaching Chroma, in a folder or on a server, and what goes wrong with either in one line."""

import fcntl
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from pydantic import TypeAdapter

from twin_assets.errors import BadInputError, StorageError
from twin_assets.sqlite_files import compact
from twin_assets.stores.faults import as_one_line, first_line

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_CONNECTING = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Last:
    """Which session wrote to a folder last, and the files' sizes after the last session."""

    session: str = ""
    sizes: dict[str, int] | None = None


_LAST = TypeAdapter(_Last)


class ChromaDatabase:
    """A server, or a folder that one process at a time writes.

    Chroma's embedded database is not made for two processes: each holds the vectors in memory as
    they were when it opened the folder, and what one saves overwrites what another has saved. So
    every session on a folder waits for the one before, in whichever process, and opens the folder
    anew when another process has written to it.
    """

    def __init__(self, folder: Path, url: str, token: str | None) -> None:
        """Use the server at the URL, or the folder where there is none. Nothing is opened yet.

        Raises:
            BadInputError: the URL is none.
        """
        self._folder = folder
        self._token = token
        self._server = _without_password(url)
        self._client: ClientAPI | None = None
        self._session = ""

    @contextmanager
    def session(self, *, writes: bool = False) -> Iterator["ClientAPI"]:
        """Give a client that sees all that was written before.

        A client of a folder may go on reading after the session, as long as it is kept, from those
        collections whose vectors it has read by then: it sees those vectors as they were.

        Args:
            writes: whether anything is written in the session.

        Raises:
            StorageError: Chroma fails at what is done in the session.
        """
        with self.faults():
            if self._server:
                yield _connect(self._server, self._token)
            else:
                with self._alone(writes=writes) as client:
                    yield client

    def describe(self) -> str:
        """Return what it is, its version and where, having asked it.

        Raises:
            StorageError: it cannot be asked.
        """
        if not self._server and not self._folder.is_dir():
            return f"Chroma {metadata.version('chromadb')}; the first build makes {self._folder}"
        with self.session() as client:
            client.list_collections()
            return f"Chroma {client.get_version()} at {self._server or self._folder}"

    def compact(self) -> None:
        """Write a folder's texts anew without those that were deleted; a server sees to its own.

        Raises:
            StorageError: the folder cannot be used.
        """
        path = self._folder / "chroma.sqlite3"
        if self._server or not path.is_file():
            return
        with self.faults(), self._alone(writes=True):
            connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            try:
                compact(connection.execute)
            finally:
                connection.close()

    def faults(self) -> AbstractContextManager[None]:
        """Turn whatever Chroma raises into one line; raises StorageError."""
        return as_one_line(lambda error: self._line(first_line(error), error))

    @contextmanager
    def _alone(self, *, writes: bool) -> Iterator["ClientAPI"]:
        """Wait for the folder, and open it anew when another process has written since.

        Raises:
            StorageError: a file is not as the last session left it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "twin.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            text = lock.read()
            last = _LAST.validate_json(text) if text else _Last()
            if self._client is None or last.session != self._session:
                if last.sizes not in (None, self._sizes()):
                    raise StorageError(self._line("files of its vectors are cut off or missing"))
                self._client = self._open()
            if writes:  # said before it is done: what a killed process leaves is of no known size
                last = _Last(uuid4().hex)
                _replace_text(lock, last)
            self._session = last.session
            try:
                yield self._client
            except BaseException:
                self._client = None
                raise
            if last.sizes != (sizes := self._sizes()):
                _replace_text(lock, replace(last, sizes=sizes))

    def _sizes(self) -> dict[str, int]:
        """Return the size of each file of vectors: Chroma crashes on one that is cut off."""
        paths = [path for path in self._folder.glob("*/*") if path.is_file()]
        return {str(path.relative_to(self._folder)): path.stat().st_size for path in paths}

    def _open(self) -> "ClientAPI":
        """Open the folder anew, not what Chroma has open in this process already."""
        from chromadb.api import ServerAPI
        from chromadb.api.client import Client
        from chromadb.config import Settings, System

        system = System(
            Settings(
                is_persistent=True, persist_directory=str(self._folder), anonymized_telemetry=False
            )
        )
        system.instance(ServerAPI)  # type: ignore[type-abstract]
        system.start()
        with _CONNECTING:
            client = Client.from_system(system)
        weakref.finalize(client, system.stop)  # closes its files; there are many, and threads
        return client

    def _line(self, detail: str, error: BaseException | None = None) -> str:
        if not self._server:
            return (
                f"The Chroma database in {self._folder} cannot be used: {detail}. Check the rights "
                "and free space of TWIN_HOME; where the database is broken, remove "
                f"{self._folder.parent} and run `twin build`."
            )
        for cause in _causes(error):
            if isinstance(cause, httpx.TransportError):
                return (
                    f"Chroma at {self._server} does not answer. Start it with `chroma run`, or "
                    "unset TWIN_CHROMA_URL."
                )
            if isinstance(cause, httpx.HTTPStatusError):
                detail = f"it answers {cause.response.status_code}"
        return (
            f"Chroma at {self._server} cannot do what it was asked: {detail}. Check "
            "TWIN_CHROMA_URL, TWIN_CHROMA_TOKEN and the server's log."
        )


def _without_password(url: str) -> str:
    """Return the URL without a name and a password, which are kept out of every message."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadInputError(
            "TWIN_CHROMA_URL is not a server's address, which looks like http://host:8000."
        ) from None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _replace_text(file: TextIO, last: _Last) -> None:
    file.truncate(0)
    file.write(_LAST.dump_json(last).decode())
    file.flush()


@cache
def _connect(server: str, token: str | None) -> "ClientAPI":
    """Return the process's one client of the server: Chroma never closes a client's connections."""
    import chromadb
    from chromadb.config import Settings

    headers = {"Authorization": f"Bearer {token}"} if token else None
    with _CONNECTING:
        return chromadb.HttpClient(
            server, headers=headers, settings=Settings(anonymized_telemetry=False)
        )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
