"""An author's sources into the raw store: hosts side by side, one writer, every outcome kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from queue import Empty, Queue
from threading import Event

from twin_assets.crawlers.dispatcher import crawler_for
from twin_assets.crawlers.found import Crawler, Found, Task
from twin_assets.documents import Author, Outcome, RawDocument, Visit
from twin_assets.errors import StorageError, TwinError
from twin_assets.raw_store import RawStore

_AT_ONCE = 8  # sources; the HTTP client sees to it that a host gets one request at a time
_WAITING = 16  # finds that wait for the writer at most

Report = Callable[[Visit], None]


def crawl_author(
    author: Author, store: RawStore, crawlers: Sequence[Crawler], report: Report | None = None
) -> list[Visit]:
    """Crawl the author's sources, store what they give, and return a visit for every link.

    A link or source that fails is a visit with that outcome; it stops no other.

    Args:
        author: whose sources are crawled.
        store: where documents and visits go; only this thread writes to it.
        crawlers: the first that handles a source reads it.
        report: called with each visit as it is made.

    Raises:
        StorageError: the store cannot be written.
    """
    visits = store.visits(author.slug)
    before = dict(visits)
    # read here, since a store serves one thread at a time
    stored = store.hashes(author.slug, "")

    def hashes(prefix: str) -> dict[str, str]:
        return {link: value for link, value in stored.items() if link.startswith(prefix)}

    made: list[Visit] = []
    tasks = [Task(author, source, before, hashes) for source in dict.fromkeys(author.sources)]
    for task, found in _side_by_side(tasks, crawlers):
        visit = _store(found, task, store, visits)
        made.append(visit)
        visits[visit.link] = visit
        store.put_visits([visit])
        if report is not None:
            report(visit)
    return made


def _side_by_side(
    tasks: Sequence[Task], crawlers: Sequence[Crawler]
) -> Iterator[tuple[Task, Found]]:
    """Yield finds of all tasks as they come; the threads stop when the reader does."""
    finds: Queue[tuple[Task, Found] | None] = Queue(_WAITING)
    stop = Event()

    def work(task: Task) -> None:
        try:
            for found in _crawl(task, crawlers):
                if stop.is_set():
                    return
                finds.put((task, found))
        finally:
            finds.put(None)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="crawl") as pool:
        futures = [pool.submit(work, task) for task in tasks]
        open_tasks = len(tasks)
        try:
            while open_tasks:
                item = finds.get()
                if item is None:
                    open_tasks -= 1
                else:
                    yield item
        finally:
            stop.set()
            while not all(future.done() for future in futures):
                with suppress(Empty):  # let the threads that wait to put go on to their end
                    finds.get(timeout=0.05)
    for future in futures:
        future.result()


def _crawl(task: Task, crawlers: Sequence[Crawler]) -> Iterator[Found]:
    """Yield what the source gives; its own fault becomes its outcome."""
    nothing = True
    try:
        for found in crawler_for(task.source, crawlers).crawl(task):
            nothing = False
            yield found
        if nothing:
            yield Found(task.source, detail="nothing was found", complete=False)
    except TwinError as error:
        yield Found(task.source, outcome=Outcome.FAILED, detail=str(error), complete=False)
    except Exception as error:  # a fault of ours with one source must not cost the others
        detail = f"unexpected {type(error).__name__}"
        yield Found(task.source, outcome=Outcome.FAILED, detail=detail, complete=False)


def _store(found: Found, task: Task, store: RawStore, visits: Mapping[str, Visit]) -> Visit:
    """Store the documents of one find, and return the visit; ``visits`` are the latest so far."""
    before = task.visits.get(found.link)
    visit = Visit(
        author=task.author.slug,
        link=found.link,
        source=task.source,
        outcome=found.outcome or Outcome.UNCHANGED,
        detail=found.detail,
        visited_at=datetime.now(UTC).isoformat(timespec="seconds"),
        documents=before.documents if before else (),
        etag=found.etag,
        last_modified=found.last_modified,
    )
    if found.outcome is not None:
        if found.outcome is Outcome.GONE:
            store.mark_gone(task.author.slug, _only_here(visit.documents, found.link, visits))
        return visit
    links: list[str] = []
    given = _given_first(found, task, visits)

    def passing() -> Iterator[RawDocument]:
        for document in found.documents:
            links.append(document.link)
            if document.link not in given:
                yield document

    try:
        counts = store.upsert(passing())
    except StorageError:
        raise
    except TwinError as error:  # the source broke off while its documents were read
        return replace(visit, outcome=Outcome.FAILED, detail=str(error))
    except Exception as error:  # as in _crawl
        detail = f"unexpected {type(error).__name__}"
        return replace(visit, outcome=Outcome.FAILED, detail=detail)
    missing = set(visit.documents) - set(links) if found.complete else set()
    gone = _only_here(missing, found.link, visits)
    number_gone = store.mark_gone(task.author.slug, gone)
    if counts.new and not visit.documents:
        outcome = Outcome.NEW
    elif counts.new or counts.changed or number_gone:
        outcome = Outcome.CHANGED
    else:
        outcome = Outcome.UNCHANGED
    detail = found.detail
    if len(links) != 1 or number_gone:
        unchanged = len(links) - counts.new - counts.changed
        numbers = f"{counts.new} new, {counts.changed} changed, {unchanged} unchanged"
        detail = "; ".join(filter(None, [f"{numbers}, {number_gone} gone", detail]))
    kept = links if found.complete else [*visit.documents, *links]
    return replace(visit, outcome=outcome, detail=detail, documents=tuple(dict.fromkeys(kept)))


def _given_first(found: Found, task: Task, visits: Mapping[str, Visit]) -> set[str]:
    """Return the documents that an earlier source of the author gives, or this by another link.

    Two sources, such as a feed and an export, seldom have quite the same text of a document. The
    first one's stays, or every crawl would write both.
    """
    places = {source: place for place, source in enumerate(task.author.sources)}

    def order(source: str, link: str) -> tuple[int, str]:
        return places.get(source, len(places)), link

    own = order(task.source, found.link)
    return {
        document
        for visit in visits.values()
        if visit.outcome is not Outcome.GONE and order(visit.source, visit.link) < own
        for document in visit.documents
    }


def _only_here(documents: Iterable[str], link: str, visits: Mapping[str, Visit]) -> list[str]:
    """Return the documents that no other link gives."""
    elsewhere = {
        document
        for visit in visits.values()
        if visit.link != link and visit.outcome is not Outcome.GONE
        for document in visit.documents
    }
    return sorted(set(documents) - elsewhere)
