"""What every raw store promises to several clients that are at work at once."""

import threading
from collections.abc import Callable, Iterator

from builders import raw_document
from store_values import links, many

from twin_assets.documents import Author, RawDocument
from twin_assets.raw_store import RawStore, UpsertCounts

Connect = Callable[[], RawStore]


def test_revisions_of_two_clients_rise_as_one(store: RawStore, connect: Connect) -> None:
    clients, seen = (store, connect()), [0]
    for turn in range(6):
        author = ("ada", "bob", "ada")[turn % 3]
        clients[turn % 2].upsert([raw_document(text=f"Turn {turn}.", author=author)])
        assert clients[1 - turn % 2].changed_since(seen[-1]) == {author: store.revision(author)}
        seen.append(store.revision(author))
    assert seen == sorted(set(seen))


def test_many_documents_are_written_while_they_are_read(store: RawStore, connect: Connect) -> None:
    reader, waiting = connect(), set[int]()

    def documents() -> Iterator[RawDocument]:
        for at, document in enumerate(many(2200)):
            if at % 400 == 0:
                waiting.add(at - sum(reader.count("ada").values()))
            yield document

    assert store.upsert(documents()) == UpsertCounts(new=2200)
    assert max(waiting) <= 500
    assert store.upsert(many(2200)) == UpsertCounts(unchanged=2200)
    assert links(reader) == [document.link for document in many(2200)]


def test_readers_at_work_during_a_write_see_every_document_once(
    store: RawStore, connect: Connect
) -> None:
    documents = many(650)
    store.upsert(documents)
    results: list[list[str]] = []
    readers = [connect() for _ in range(3)]
    threads = [
        threading.Thread(target=lambda reader=reader: results.append(links(reader)))
        for reader in readers
    ]
    for thread in threads:
        thread.start()
    store.upsert(many(650, text="Other."))
    for thread in threads:
        thread.join()
    assert results == [[document.link for document in documents]] * 3
    assert {document.text for document in store.documents("ada")} == {"Other."}


def test_one_who_follows_the_revisions_misses_no_writer(connect: Connect) -> None:
    slugs = [f"author-{n}" for n in range(4)]
    stores = [connect() for _ in slugs]
    follower = connect()
    for slug in slugs:
        follower.put_author(Author(slug, slug))

    def write(store: RawStore, slug: str) -> None:
        for turn in range(12):
            store.upsert([raw_document(text=f"Turn {turn}.", author=slug)])

    threads = [
        threading.Thread(target=write, args=pair) for pair in zip(stores, slugs, strict=True)
    ]
    for thread in threads:
        thread.start()
    seen: dict[str, int] = {}
    texts: dict[str, str] = {}
    working = True
    while working:
        working = any(thread.is_alive() for thread in threads)
        changed = follower.changed_since(max(seen.values(), default=0))
        assert all(revision > seen.get(slug, 0) for slug, revision in changed.items())
        seen |= changed
        texts |= {slug: next(follower.documents(slug)).text for slug in changed}
    assert seen == {slug: follower.revision(slug) for slug in slugs}
    assert texts == dict.fromkeys(slugs, "Turn 11.")
