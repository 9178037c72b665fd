"""The Qdrant servers that tests run against.

The stand-in speaks the part of Qdrant's REST API that the store uses, and answers from the client's
local mode: it shows that our requests are well formed and what comes of the answers, not what a
real server makes of them. It refuses what a strict server refuses: a filter on a field without an
index, a request over 32 MB, and one without the key.

A real server is named by TWIN_TEST_QDRANT_URL (on 127.0.0.1, since tests reach no further). The
tests remove the six collections that Twin has on it.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from qdrant_client import QdrantClient, models

from twin_assets.stores import COLLECTIONS
from twin_assets.stores.records import DOCUMENTS

# Read while tests are collected: the environment is cleared before they run.
REAL_URL = os.environ.get("TWIN_TEST_QDRANT_URL", "")
NEEDS_REAL = pytest.mark.skipif(
    not REAL_URL, reason="needs a Qdrant server (set TWIN_TEST_QDRANT_URL)"
)
VERSION = "1.15.0"  # what it says that it is
_MOST_BYTES = 32 * 2**20


@dataclass
class StandIn:
    """A server's state.

    ``broken`` are answers that come before the right ones, and ``searches`` are the fields that
    each search was filtered by, and whether it was to be exact.
    """

    key: str | None = None
    broken: list[Callable[["Handler"], None]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    indexes: dict[str, set[str]] = field(default_factory=dict)
    searches: list[tuple[set[str], bool]] = field(default_factory=list)
    port: int = 0
    _client: QdrantClient = field(default_factory=lambda: QdrantClient(":memory:"))
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def remove_point(self, name: str) -> None:
        with self._lock:
            first = self._client.scroll(name, limit=1)[0][0]
            self._client.delete(name, models.PointIdsList(points=[first.id]))

    def answer(self, method: str, path: str, body: bytes, key: str | None) -> Any:
        """Return the result of a request.

        Raises:
            Refused: the request is not as it should be.
        """
        self.requests.append(f"{method} {path}")
        if key != self.key:
            raise Refused(401, "Must provide an API key or an Authorization bearer token")
        if len(body) > _MOST_BYTES:
            raise Refused(413, "Payload reached size limit")
        parts = urlsplit(path)
        _, _, name, *rest = [*parts.path.split("/"), ""][:4]
        what = "/".join([*rest, *parts.path.split("/")[4:]]).strip("/")
        writes = what and (method == "PUT" or what == "points/delete")
        if writes and "wait=true" not in parts.query:
            raise Refused(400, "These tests want every write to be waited for")
        operation = self._operations.get((method, what if name else None))
        if operation is None:
            raise Refused(404, "Not found")
        with self._lock:
            if name and name not in self.indexes and operation != self._create:
                raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
            return operation(name, json.loads(body) if body else {})

    @property
    def _operations(self) -> Mapping[tuple[str, str | None], Callable[[str, Any], Any]]:
        return {
            ("GET", None): lambda name, body: self._client.get_collections(),
            ("GET", ""): self._info,
            ("PUT", ""): self._create,
            ("PUT", "index"): self._index,
            ("PUT", "points"): self._upsert,
            ("POST", "points"): self._retrieve,
            ("POST", "points/delete"): self._delete,
            ("POST", "points/payload"): self._set_payload,
            ("POST", "points/count"): self._count,
            ("POST", "points/scroll"): self._scroll,
            ("POST", "points/query/batch"): self._query,
        }

    def _info(self, name: str, body: Any) -> Any:
        info = self._client.get_collection(name).model_dump(mode="json")
        schema = {"data_type": "keyword", "points": 0}
        return info | {"payload_schema": dict.fromkeys(self.indexes[name], schema)}

    def _create(self, name: str, body: Any) -> Any:
        if name in self.indexes:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        self.indexes[name] = set()
        config = models.CreateCollection.model_validate(body)
        return self._client.create_collection(name, vectors_config=config.vectors)

    def _index(self, name: str, body: Any) -> Any:
        assert body["field_schema"] == "keyword"
        self.indexes[name].add(body["field_name"])
        return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)

    def _upsert(self, name: str, body: Any) -> Any:
        return self._client.upsert(name, models.PointsList.model_validate(body).points)

    def _retrieve(self, name: str, body: Any) -> Any:
        request = models.PointRequest.model_validate(body)
        return self._client.retrieve(name, request.ids, with_vectors=bool(request.with_vector))

    def _delete(self, name: str, body: Any) -> Any:
        if "points" in body:
            return self._client.delete(name, models.PointIdsList.model_validate(body))
        selector = models.FilterSelector.model_validate(body)
        self._check_indexed(name, selector.filter)
        return self._client.delete(name, selector)

    def _set_payload(self, name: str, body: Any) -> Any:
        change = models.SetPayload.model_validate(body)
        return self._client.set_payload(name, change.payload, change.points, key=change.key)

    def _count(self, name: str, body: Any) -> Any:
        request = models.CountRequest.model_validate(body)
        self._check_indexed(name, request.filter)
        return self._client.count(name, request.filter)

    def _scroll(self, name: str, body: Any) -> Any:
        request = models.ScrollRequest.model_validate(body)
        self._check_indexed(name, request.filter)
        records, offset = self._client.scroll(
            name,
            request.filter,
            limit=request.limit or 10,
            offset=request.offset,
            with_vectors=bool(request.with_vector),
        )
        return models.ScrollResult(points=records, next_page_offset=offset)

    def _query(self, name: str, body: Any) -> Any:
        batch = models.QueryRequestBatch.model_validate(body)
        for request in batch.searches:
            self._check_indexed(name, request.filter)
            fields = {condition.key for condition in request.filter.must}
            self.searches.append((fields, bool(request.params and request.params.exact)))
            request.params = None  # local mode warns of them
        return self._client.query_batch_points(name, batch.searches)

    def _check_indexed(self, name: str, where: models.Filter | None) -> None:
        for condition in where.must if where else ():
            if condition.key not in self.indexes[name]:
                raise Refused(400, f"Index required but not found for {condition.key}")


class Refused(Exception):  # noqa: N818
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    stand_in: StandIn

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.stand_in.broken:
            self.stand_in.broken.pop(0)(self)
            return
        if self.path == "/":  # it needs no key, and has no envelope
            self.send(200, json.dumps({"title": "a stand-in of Qdrant", "version": VERSION}))
            return
        try:
            result = self.stand_in.answer(self.command, self.path, body, self.headers["api-key"])
        except Refused as refused:
            envelope = {"status": {"error": str(refused)}}
            self.send(refused.status, json.dumps(envelope))
        else:
            envelope = {"result": result, "status": "ok"}
            self.send(200, json.dumps(envelope, default=lambda o: o.model_dump(mode="json")))

    do_GET = do_PUT = do_POST = _handle  # noqa: N815

    def send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments: object) -> None:
        pass


def answering(status: int, text: str = "") -> Callable[[Handler], None]:
    """Return what makes the stand-in give this answer once."""
    return lambda handler: handler.send(status, text)


def hanging_up(handler: Handler) -> None:
    """Close the connection without an answer, once."""
    handler.close_connection = True


@contextmanager
def running_stand_in(stand_in: StandIn) -> Iterator[StandIn]:
    """Run the server until the block ends; another block with the same state goes on."""
    handler = type("StandInHandler", (Handler,), {"stand_in": stand_in})
    with ThreadingHTTPServer(("127.0.0.1", stand_in.port), handler) as server:
        stand_in.port = server.server_port
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()


def empty_real_server() -> str:
    """Return the URL of the real server, on which none of our collections is left."""
    client = QdrantClient(url=REAL_URL, check_compatibility=False)
    for name in (*COLLECTIONS.values(), *DOCUMENTS.values()):
        client.delete_collection(name)
    client.close()
    return REAL_URL
