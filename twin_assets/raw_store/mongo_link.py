"""The way to a MongoDB server: the link is read strictly, and no message repeats its secrets."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri

from twin_assets.errors import BadInputError, StorageError, StorageUnavailableError
from twin_assets.raw_store.mongo_rows import Row

_DATABASE = "twin"
_AUTHENTICATION_FAILED = 18
# Where the link does not say otherwise. Long enough for a slow network, short enough to be waited
# for; pymongo's own are half a minute, and for ever.
_TIMEOUTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 60_000,
}
_UNREADABLE = (
    "TWIN_RAW_STORE cannot be used: it is no MongoDB link that can be read. Write it as "
    "mongodb://USER:PASSWORD@HOST:PORT/DATABASE, with : / ? # [ ] @ and % in the user name and "
    "password percent-encoded, and options that the server knows."
)
_NOT_IN_DNS = _UNREADABLE + " The host of a mongodb+srv link must have its records in the DNS."


class MongoLink:
    """A link such as ``mongodb://user:password@host/database``; no text made here repeats it."""

    def __init__(self, link: str) -> None:
        """Read the link.

        Raises:
            BadInputError: it cannot be read; the message does not repeat it.
        """
        authority, *more = re.split(r"[/?#]", link.partition("://")[2], maxsplit=1)
        # With one of these in the password as it is, what precedes would pass for host and port.
        unescaped = "@" in "".join(more)
        try:
            # pymongo only warns of an option it cannot read, such as tls=maybe, and goes on without
            parsed = None if unescaped else parse_uri(link, warn=False)
        except (PyMongoError, ValueError):
            parsed = None
        if parsed is None:
            srv = link.startswith("mongodb+srv://")
            raise BadInputError(_NOT_IN_DNS if srv else _UNREADABLE)
        self._link = link
        self._database_name = parsed["database"] or _DATABASE
        self._timeouts = {k: v for k, v in _TIMEOUTS.items() if k not in parsed["options"]}
        user_info = authority.rpartition("@")[0]
        passwords = (user_info, user_info.partition(":")[2], parsed["password"])
        self._secrets = [secret for secret in passwords if secret]
        self.place = ",".join(_address(host, port) for host, port in parsed["nodelist"])

    def open(self) -> MongoClient[Row]:
        """Return a client, which connects when it is first asked something.

        Raises:
            BadInputError: the link's options do not go together.
        """
        try:
            return MongoClient(self._link, appname="twin", **self._timeouts)
        except (PyMongoError, ValueError, OSError):
            raise BadInputError(_UNREADABLE) from None

    def database(self, client: MongoClient[Row]) -> Database[Row]:
        """Return the link's database, ``twin`` when it names none.

        It is read and written where the newest state is, whatever the link says: a revision read
        from a server that lags behind would hide documents from its reader for ever.
        """
        return client.get_database(
            self._database_name,
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern("majority"),
        )

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turn what pymongo raises into one line.

        Raises:
            StorageError: something went wrong; the message names the server, and no secret.
            StorageUnavailableError: the server does not answer.
        """
        try:
            yield
        except PyMongoError as error:
            # without its cause, whose text can hold whole documents
            lost = isinstance(error, ConnectionFailure)
            raise (StorageUnavailableError if lost else StorageError)(
                f"The raw store at {self.place} cannot be used: {self._reason(error)}. "
                "Check TWIN_RAW_STORE, and that the server is up."
            ) from None

    def _reason(self, error: PyMongoError) -> str:
        if isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED:
            return "it refuses the user name or the password"
        text = str(error)
        if isinstance(error, OperationFailure) and error.details:
            faults = error.details.get("writeErrors") if isinstance(error, BulkWriteError) else None
            text = str((faults[0] if faults else error.details).get("errmsg", text))
        text = " ".join(
            re.split(r" \(configured timeouts|, Timeout:|, full error:", text)[0].split()
        )
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if isinstance(error, ServerSelectionTimeoutError):
            text = f"no server answers ({text})"
        return text[:300].rstrip(".")


def _address(host: str, port: int | None) -> str:
    """Return ``host:port``, or the path of a socket, which has no port."""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown
