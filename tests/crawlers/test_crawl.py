"""An author's sources into the raw store, with crawlers that do as they are told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from builders import ADA, raw_document

from twin_assets.crawlers.crawl import crawl_author
from twin_assets.crawlers.dispatcher import crawler_for
from twin_assets.crawlers.found import Found, Task
from twin_assets.documents import Author, Outcome, RawDocument, Visit
from twin_assets.errors import BadInputError
from twin_assets.raw_store.sqlite import SqliteRawStore

A, B = "https://a.example/1", "https://b.example/2"


@dataclass
class Told:
    """A crawler whose finds a test decides."""

    finds: Callable[[Task], Iterator[Found]]
    name: str = "told"

    def handles(self, source: str) -> bool:
        return source.startswith("https://")

    def crawl(self, task: Task) -> Iterator[Found]:
        return self.finds(task)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRawStore]:
    with closing(SqliteRawStore(tmp_path / "raw.db")) as opened:
        yield opened


@pytest.fixture
def crawl(store):
    """Crawl the sources with the finds, and return the visits by link."""

    def run(finds: Callable[[Task], Iterator[Found]], *sources: str) -> dict[str, Visit]:
        author = replace(ADA, sources=sources or (A,))
        store.put_author(author)
        return {visit.link: visit for visit in crawl_author(author, store, [Told(finds)])}

    return run


def document(link: str, text: str = "Words.") -> RawDocument:
    return raw_document(link, text)


def page(text: str = "Words.", etag: str | None = None) -> Callable[[Task], Iterator[Found]]:
    def finds(task: Task) -> Iterator[Found]:
        yield Found(task.source, [document(task.source, text)], etag=etag)

    return finds


def told(outcome: Outcome, detail: str = "") -> Callable[[Task], Iterator[Found]]:
    def finds(task: Task) -> Iterator[Found]:
        yield Found(task.source, outcome=outcome, detail=detail)

    return finds


def links(store: SqliteRawStore) -> list[str]:
    return [found.link for found in store.documents("ada")]


def test_a_page_is_new_then_unchanged_then_changed(crawl, store):
    assert crawl(page(etag='"1"'))[A].outcome is Outcome.NEW
    revision = store.revision("ada")
    assert crawl(page())[A].outcome is Outcome.UNCHANGED
    assert store.revision("ada") == revision
    assert crawl(page("Other."))[A].outcome is Outcome.CHANGED
    assert store.revision("ada") > revision
    assert [found.text for found in store.documents("ada")] == ["Other."]


def test_what_was_remembered_is_there_at_the_next_crawl(crawl):
    crawl(page(etag='"1"'))
    seen = []

    def finds(task: Task) -> Iterator[Found]:
        seen.append((task.visits[A].etag, dict(task.hashes("https://a."))))
        yield Found(A, outcome=Outcome.UNCHANGED, etag='"1"')

    visit = crawl(finds)[A]
    assert seen == [('"1"', {A: document(A).content_hash})]
    assert visit.outcome is Outcome.UNCHANGED
    assert visit.documents == (A,)  # a visit without a body keeps them


def test_a_link_that_is_gone_takes_its_document_along_and_may_come_back(crawl, store):
    crawl(page())
    revision = store.revision("ada")
    assert crawl(told(Outcome.GONE, "404"))[A].outcome is Outcome.GONE
    assert links(store) == []
    assert store.revision("ada") > revision
    assert crawl(page())[A].outcome is Outcome.CHANGED
    assert links(store) == [A]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED])
def test_a_failure_leaves_what_was_there(crawl, store, outcome):
    crawl(page())
    visit = crawl(told(outcome, "no answer"))[A]
    assert (visit.outcome, visit.detail, visit.documents) == (outcome, "no answer", (A,))
    assert links(store) == [A]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED])
def test_the_first_success_after_failures_is_new(crawl, outcome):
    crawl(told(outcome, "no answer"))
    assert crawl(page())[A].outcome is Outcome.NEW
    crawl(told(outcome, "no answer"))
    assert crawl(page("Other."))[A].outcome is Outcome.CHANGED


def test_files_that_a_repository_no_longer_has_are_gone_items_of_a_feed_are_not(crawl, store):
    def having(names: str, complete: bool) -> Callable[[Task], Iterator[Found]]:
        def finds(task: Task) -> Iterator[Found]:
            documents = [document(f"{A}/{name}") for name in names]
            yield Found(task.source, documents, complete=complete)

        return finds

    crawl(having("abc", complete=True))
    visit = crawl(having("bcd", complete=False))[A]
    assert links(store) == [f"{A}/{name}" for name in "abcd"]
    assert len(visit.documents) == 4
    visit = crawl(having("cd", complete=True))[A]
    assert links(store) == [f"{A}/{name}" for name in "cd"]
    assert visit.outcome is Outcome.CHANGED
    assert visit.detail == "0 new, 0 changed, 2 unchanged, 2 gone"


def test_a_document_that_another_link_gives_stays(crawl, store):
    def same(task: Task) -> Iterator[Found]:
        yield Found(task.source, [document("https://a.example/canonical")])

    crawl(same, A, B)
    assert links(store) == ["https://a.example/canonical"]

    def one_gone(task: Task) -> Iterator[Found]:
        outcome = Outcome.GONE if task.source == A else Outcome.UNCHANGED
        yield Found(task.source, outcome=outcome)

    crawl(one_gone, A, B)
    assert links(store) == ["https://a.example/canonical"]
    crawl(told(Outcome.GONE), A, B)
    assert links(store) == []


@pytest.mark.parametrize("last", [A, B])
def test_of_two_texts_of_a_document_the_earlier_source_s_stays(crawl, store, last):
    link = "https://a.example/canonical"

    def both(task: Task) -> Iterator[Found]:
        if task.source == last:
            assert first_is_read.wait(30)
        yield Found(task.source, [document(link, f"As {task.source} has it.")])
        first_is_read.set()

    first_is_read = threading.Event()
    crawl(both, A, B)
    assert [found.text for found in store.documents("ada")] == [f"As {A} has it."]
    revision = store.revision("ada")
    first_is_read = threading.Event()
    visits = crawl(both, A, B)
    assert {visit.outcome for visit in visits.values()} == {Outcome.UNCHANGED}
    assert store.revision("ada") == revision

    def first_is_gone(task: Task) -> Iterator[Found]:
        if task.source == A:
            yield Found(A, outcome=Outcome.GONE)
        else:
            yield from both(task)

    last = A
    crawl(first_is_gone, A, B)
    assert links(store) == [link]
    crawl(first_is_gone, A, B)
    assert [found.text for found in store.documents("ada")] == [f"As {B} has it."]


def test_one_source_s_fault_stops_no_other(crawl, store):
    def finds(task: Task) -> Iterator[Found]:
        if task.source == A:
            yield Found(f"{A}/first", [document(f"{A}/first")])
            raise ZeroDivisionError("an invented fault with a secret in it")
        if task.source == B:
            raise BadInputError("it is not what it says")
        yield Found(task.source, [document(task.source)])

    third = "https://c.example/3"
    visits = crawl(finds, A, B, third, "nonsense")
    assert visits[f"{A}/first"].outcome is Outcome.NEW
    assert (visits[A].outcome, visits[A].detail) == (Outcome.FAILED, "unexpected ZeroDivisionError")
    assert visits[B].detail == "it is not what it says"
    assert visits[third].outcome is Outcome.NEW
    assert "nonsense is no source" in visits["nonsense"].detail
    assert links(store) == [f"{A}/first", third]
    assert store.visits("ada") == visits


def test_a_source_that_breaks_off_keeps_what_came_before(crawl, store):
    def finds(task: Task) -> Iterator[Found]:
        def documents() -> Iterator[RawDocument]:
            yield document(f"{A}/a")
            raise BadInputError("the archive ends here")

        yield Found(A, documents())

    crawl(lambda task: iter([Found(A, [document(f"{A}/a"), document(f"{A}/b")])]))
    visit = crawl(finds)[A]
    assert (visit.outcome, visit.detail) == (Outcome.FAILED, "the archive ends here")
    assert links(store) == [f"{A}/a", f"{A}/b"]


def test_sources_are_read_side_by_side(crawl):
    meeting = threading.Barrier(3, timeout=30)

    def finds(task: Task) -> Iterator[Found]:
        meeting.wait()  # passes only when all three are here at once
        yield Found(task.source, [document(task.source)])

    assert len(crawl(finds, A, B, "https://c.example/3")) == 3


def test_a_store_that_fails_ends_the_crawl_and_its_threads(store):
    def finds(task: Task) -> Iterator[Found]:
        for number in range(1000):
            yield Found(f"{task.source}/{number}", [document(f"{task.source}/{number}")])

    author = Author("ada", "Ada", sources=(A, B))
    store.put_author(author)

    def report(visit: Visit) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        crawl_author(author, store, [Told(finds)], report)
    assert threading.active_count() == before


def test_the_first_crawler_that_handles_a_source_reads_it():
    first, second = Told(page(), "first"), Told(page(), "second")
    assert crawler_for(A, [first, second]) is first
    with pytest.raises(BadInputError, match="web link, an export archive"):
        crawler_for("ftp://x", [first])
