"""The raw store on a MongoDB server, for several machines or more documents than a file is for."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice, takewhile
from uuid import uuid4

from pymongo import ASCENDING, DeleteOne, ReplaceOne, ReturnDocument

from twin_assets.documents import Author, Category, RawDocument, Visit
from twin_assets.errors import StorageError
from twin_assets.raw_store import COLLECTIONS, UpsertCounts
from twin_assets.raw_store.mongo_link import MongoLink
from twin_assets.raw_store.mongo_rows import (
    BATCH,
    Row,
    batches,
    collection_of,
    document_of,
    document_row,
    refuse,
    visit_of,
    visit_row,
)

_LINKS = 1000  # a query names at most
_PAUSE = 0.05  # seconds at most before a revision is tried for again

_BY_LINK = [("author", ASCENDING), ("link", ASCENDING)]
_THERE = {"gone": {"$ne": True}}
_REVISION = {"_id": "revision"}
_OF_AUTHORS = (*COLLECTIONS.values(), "visits")


class MongoRawStore:
    """A :class:`~twin_assets.raw_store.RawStore` in a MongoDB database.

    Needs no replica set, and so no transaction: a reader may see a batch half written, but what was
    written always raises the revision after it. Before it writes, a writer leaves a token with the
    author (``writing``); one that a dead writer left makes the next upsert raise the revision.
    """

    def __init__(self, link: str) -> None:
        """Connect, and make the indexes that are missing.

        Raises:
            BadInputError: the link cannot be read.
            StorageError: the server does not answer, or refuses.
        """
        self._link = MongoLink(link)
        self._client = self._link.open()
        self._database = self._link.database(self._client)
        self._users = self._database["users"]
        try:
            with self._link.faults():
                self._users.create_index("revision")
                for name in _OF_AUTHORS:
                    self._database[name].create_index(_BY_LINK, unique=True)
        except StorageError:
            self.close()
            raise

    def describe(self) -> str:
        """See :meth:`RawStore.describe`."""
        with self._link.faults():
            version = self._database.command("buildInfo")["version"]
        return f"MongoDB {version} at {self._link.place}"

    def put_author(self, author: Author) -> None:
        """See :meth:`RawStore.put_author`."""
        values = asdict(author)
        slug = values.pop("slug")
        with self._link.faults():
            row = self._users.find_one({"_id": slug})
            known = _author(row) if row else None
            self._users.update_one(
                {"_id": slug}, {"$set": values, "$setOnInsert": {"revision": 0}}, upsert=True
            )
            if known != author and (known is not None or author.sources):
                self._raise_revision(slug)

    def authors(self) -> list[Author]:
        """See :meth:`RawStore.authors`."""
        with self._link.faults():
            return [_author(row) for row in self._users.find(sort=[("_id", ASCENDING)])]

    def upsert(self, documents: Iterable[RawDocument]) -> UpsertCounts:
        """See :meth:`RawStore.upsert`; written in batches of 100 documents or 4 MiB at most.

        Raises:
            StorageError: as there; or documents are larger than MongoDB takes. This is said at the
                end, when all the others are stored: one file too large in a repository must not
                cost the files after it.
        """
        total = UpsertCounts()
        too_large: list[str] = []
        with self._link.faults():
            for batch in batches(map(document_row, documents), too_large):
                total += self._upsert_batch(batch)
        refuse(too_large)
        return total

    def _upsert_batch(self, batch: list[Row]) -> UpsertCounts:
        left_behind = self._left_behind({row["author"] for row in batch})
        stored = self._stored(batch)
        known = dict(stored)
        outcomes: Counter[str] = Counter()
        writes: dict[tuple[str, str], Row] = {}
        for row in batch:
            key = (row["author"], row["link"])
            place = {collection_of(row): row["content_hash"]}
            before = known.get(key)
            if before == place:
                outcomes["unchanged"] += 1
                continue
            outcomes["changed" if before else "new"] += 1
            known[key] = place
            writes[key] = row
        authors = {author for author, _ in writes} | left_behind.keys()
        if authors:
            with self._writing(authors, [t for tokens in left_behind.values() for t in tokens]):
                self._write(writes, stored)
        return UpsertCounts(outcomes["new"], outcomes["changed"], outcomes["unchanged"])

    def _left_behind(self, slugs: Collection[str]) -> dict[str, list[str]]:
        """Return the tokens that other writers have with these authors, where there are any.

        Raises:
            StorageError: an author is not registered.
        """
        rows = self._users.find({"_id": {"$in": sorted(slugs)}}, {"writing": 1})
        tokens = {row["_id"]: row.get("writing", []) for row in rows}
        if unknown := sorted(set(slugs) - tokens.keys()):
            raise StorageError(f"The raw store knows no author {', '.join(unknown)}.")
        return {slug: found for slug, found in tokens.items() if found}

    def _stored(self, batch: list[Row]) -> dict[tuple[str, str], dict[str, str | None]]:
        """Return where the batch's documents stand now: ``{key: {collection: content hash}}``.

        One that is gone has no hash: whatever comes changes it.
        """
        query = {
            "author": {"$in": sorted({row["author"] for row in batch})},
            "link": {"$in": sorted({row["link"] for row in batch})},
        }
        stored: dict[tuple[str, str], dict[str, str | None]] = {}
        for name in COLLECTIONS.values():
            columns = {"author": 1, "link": 1, "content_hash": 1, "gone": 1}
            for row in self._database[name].find(query, columns):
                places = stored.setdefault((row["author"], row["link"]), {})
                places[name] = None if row.get("gone") else row.get("content_hash")
        return stored

    def _write(
        self,
        writes: dict[tuple[str, str], Row],
        stored: dict[tuple[str, str], dict[str, str | None]],
    ) -> None:
        """Write the rows, then delete the ones that a document of another category now has."""
        replaced: dict[str, list[ReplaceOne[Row] | DeleteOne]] = defaultdict(list)
        deleted: dict[str, list[ReplaceOne[Row] | DeleteOne]] = defaultdict(list)
        for (author, link), row in writes.items():
            key = {"author": author, "link": link}
            name = collection_of(row)
            replaced[name].append(ReplaceOne(key, row, upsert=True))
            for other in stored.get((author, link), {}).keys() - {name}:
                deleted[other].append(DeleteOne(key))
        for operations in (replaced, deleted):
            for name, requests in operations.items():
                self._database[name].bulk_write(requests, ordered=False)

    @contextmanager
    def _writing(self, authors: Collection[str], left_behind: Iterable[str] = ()) -> Iterator[None]:
        """Raise the authors' revisions after the block, or at the next upsert if this dies."""
        token = uuid4().hex
        these = {"_id": {"$in": sorted(authors)}}
        self._users.update_many(these, {"$push": {"writing": token}})
        yield
        for author in sorted(authors):
            self._raise_revision(author)
        self._users.update_many(these, {"$pullAll": {"writing": [token, *left_behind]}})

    def _raise_revision(self, author: str) -> None:
        """Give the author the newest revision of the store.

        Taking a number and giving it to the author are two steps. A number taken in between may be
        with its author already, and read, and a reader that went past ours would never see it: then
        ours was for nothing, and the next is tried.
        """
        counters = self._database["counters"]
        while True:
            number = _value(
                counters.find_one_and_update(
                    _REVISION,
                    {"$inc": {"value": 1}},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            )
            self._users.update_one({"_id": author}, {"$max": {"revision": number}})
            if self._newest_revision() == number:
                return
            time.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - so that two writers part

    def _newest_revision(self) -> int:
        return _value(self._database["counters"].find_one(_REVISION))

    def mark_gone(self, author: str, links: Iterable[str]) -> int:
        """See :meth:`RawStore.mark_gone`."""
        marked = 0
        stream = iter(links)
        with self._link.faults():
            while some := list(islice(stream, _LINKS)):
                query = {"author": author, "link": {"$in": some}, **_THERE}
                names = [n for n in COLLECTIONS.values() if self._database[n].find_one(query)]
                if names:
                    with self._writing([author]):
                        for name in names:
                            result = self._database[name].update_many(
                                query, {"$set": {"gone": True}}
                            )
                            marked += result.modified_count
        return marked

    def documents(self, author: str) -> Iterator[RawDocument]:
        """See :meth:`RawStore.documents`; the three collections are read at once, a page ahead.

        A page is one answer of the server, so 16 MiB at most, and each is asked for by the link
        before it: a reader may take its time, since no cursor is open that could time out.
        """
        with (
            self._link.faults(),
            ThreadPoolExecutor(len(COLLECTIONS), thread_name_prefix="raw-store") as pool,
        ):
            pages = {
                name: pool.submit(self._page, name, author, "") for name in COLLECTIONS.values()
            }
            for name in COLLECTIONS.values():
                while page := pages[name].result():
                    pages[name] = pool.submit(self._page, name, author, page[-1]["link"])
                    yield from map(document_of, page)

    def _page(self, name: str, author: str, after: str) -> list[Row]:
        """Return the next documents of a collection, none only at its end."""
        query = {"author": author, "link": {"$gt": after}, **_THERE}
        # a negative limit is one answer and no cursor
        return list(self._database[name].find(query, sort=[("link", ASCENDING)], limit=-BATCH))

    def count(self, author: str) -> dict[Category, int]:
        """See :meth:`RawStore.count`."""
        with self._link.faults():
            return {
                category: self._database[name].count_documents({"author": author, **_THERE})
                for category, name in COLLECTIONS.items()
            }

    def hashes(self, author: str, prefix: str) -> dict[str, str]:
        """See :meth:`RawStore.hashes`."""
        query = {"author": author, "link": {"$gte": prefix}, **_THERE}
        found: dict[str, str] = {}
        with self._link.faults():
            for name in COLLECTIONS.values():
                columns = {"link": 1, "content_hash": 1}
                # in their order, the links that begin so stand together and first
                ordered = self._database[name].find(query, columns, sort=[("link", ASCENDING)])
                with ordered as rows:
                    for row in takewhile(lambda row: row["link"].startswith(prefix), rows):
                        found[row["link"]] = row.get("content_hash", "")
        return found

    def visits(self, author: str) -> dict[str, Visit]:
        """See :meth:`RawStore.visits`."""
        with self._link.faults():
            rows = self._database["visits"].find({"author": author}, sort=[("link", ASCENDING)])
            return {row["link"]: visit_of(row) for row in rows}

    def put_visits(self, visits: Iterable[Visit]) -> None:
        """See :meth:`RawStore.put_visits`."""
        too_large: list[str] = []
        with self._link.faults():
            for batch in batches(map(visit_row, visits), too_large):
                self._left_behind({row["author"] for row in batch})
                latest = {(row["author"], row["link"]): row for row in batch}
                self._database["visits"].bulk_write(
                    [
                        ReplaceOne({"author": author, "link": link}, row, upsert=True)
                        for (author, link), row in latest.items()
                    ],
                    ordered=False,
                )
        refuse(too_large)

    def revision(self, author: str) -> int:
        """See :meth:`RawStore.revision`."""
        with self._link.faults():
            row = self._users.find_one({"_id": author}, {"revision": 1})
        return int(row.get("revision", 0)) if row else 0

    def changed_since(self, revision: int) -> dict[str, int]:
        """See :meth:`RawStore.changed_since`."""
        with self._link.faults():
            # what is written while this reads is for the next time: see _raise_revision
            query = {"revision": {"$gt": revision, "$lte": self._newest_revision()}}
            rows = self._users.find(query, {"revision": 1}, sort=[("revision", ASCENDING)])
            return {row["_id"]: row["revision"] for row in rows}

    def traces(self, author: str) -> int:
        """See :meth:`RawStore.traces`."""
        with self._link.faults():
            return self._users.count_documents({"_id": author}) + sum(
                self._database[name].count_documents({"author": author}) for name in _OF_AUTHORS
            )

    def forget(self, author: str) -> None:
        """See :meth:`RawStore.forget`."""
        with self._link.faults():
            for name in _OF_AUTHORS:
                self._database[name].delete_many({"author": author})
            self._users.delete_one({"_id": author})

    def close(self) -> None:
        """See :meth:`RawStore.close`."""
        self._client.close()


def _value(counter: Row | None) -> int:
    return int(counter["value"]) if counter else 0


def _author(row: Row) -> Author:
    # what another program wrote may lack what only we need
    aliases, sources = tuple(row.get("aliases", ())), tuple(row.get("sources", ()))
    return Author(row["_id"], row["name"], aliases, row.get("sample", False), sources)
