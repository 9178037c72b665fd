"""One web page visited: fetched if it changed, read, and its outcome told."""

from dataclasses import dataclass, replace

from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.http.client import Fetched, HttpClient
from twin_assets.crawlers.http.exchange import Remembered
from twin_assets.crawlers.http.faults import FetchError, Reason
from twin_assets.documents import Category, Outcome, RawDocument
from twin_assets.extraction import Page, extract_page

_REFUSED = {Reason.ROBOTS, Reason.ADDRESS, Reason.LOGIN_WALL, Reason.REFUSED}


@dataclass(frozen=True, slots=True)
class Visited:
    """A page that was fetched, or the find that says why it was not."""

    fetched: Fetched | None
    found: Found


def visit(client: HttpClient, task: Task, link: str, accept: tuple[str, ...]) -> Visited:
    """Fetch the link, conditionally where it was visited before."""
    before = task.visits.get(link)
    remembered = Remembered(before.etag, before.last_modified) if before else Remembered()
    try:
        fetched = client.get(link, remembered=remembered, accept=accept)
    except FetchError as error:
        return Visited(None, Found(link, outcome=outcome_of(error), detail=str(error)))
    found = Found(
        link, etag=fetched.remembered.etag, last_modified=fetched.remembered.last_modified
    )
    if fetched.unchanged:
        return Visited(None, replace(found, outcome=Outcome.UNCHANGED))
    return Visited(fetched, found)


def outcome_of(error: FetchError) -> Outcome:
    """Return what the fault means for the link."""
    if error.reason is Reason.GONE:
        return Outcome.GONE
    return Outcome.REFUSED if error.reason in _REFUSED else Outcome.FAILED


def unread(visited: Visited, outcome: Outcome, detail: str) -> Found:
    """Return the find of a page that gave nothing; it is not remembered, but fetched again."""
    return Found(visited.found.link, outcome=outcome, detail=detail)


def read_article(visited: Visited, html: str, task: Task, platform: str) -> Found:
    """Return the find with the page's article as its document.

    Raises:
        BadInputError: the page has more elements than any page to be read.
    """
    assert visited.fetched is not None  # noqa: S101  # callers have looked
    page = extract_page(html, visited.fetched.link)
    if page is None:
        return unread(visited, Outcome.FAILED, "the page has no text that can be read")
    return replace(visited.found, documents=(article_of(page, task.author.slug, platform),))


def article_of(page: Page, author: str, platform: str) -> RawDocument:
    """Return the page as an article of the author."""
    return RawDocument(
        author=author,
        platform=platform,
        category=Category.ARTICLE,
        link=page.link,
        title=page.title,
        subtitle=page.subtitle,
        text=page.text,
        language=page.language,
        published_at=page.published_at,
    )
