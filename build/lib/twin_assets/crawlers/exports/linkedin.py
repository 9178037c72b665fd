"""The archive that LinkedIn gives a member: posts in ``Shares.csv``, articles as HTML.

Everything else in it is private (messages, connections, logins) and is never opened, but for the
member's name in ``Profile.csv``. Posts that only the member's connections may read are left out as
well: what is indexed is quoted to whoever asks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from twin_assets.crawlers.exports.archives import (
    DEFAULT_LIMITS,
    Fault,
    Limits,
    Member,
    holds,
    names,
    printable,
    read_members,
)
from twin_assets.crawlers.exports.csv_rows import BrokenRow, Row, read_rows
from twin_assets.crawlers.exports.export import Item, LeftOut, Owner, find, iso_time
from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.http.charsets import decode
from twin_assets.documents import Category, RawDocument
from twin_assets.errors import BadInputError
from twin_assets.extraction.markdown import to_markdown
from twin_assets.extraction.tree import parse

_SHARES = re.compile(r"(?:.*/)?shares(?:[^a-z/][^/]*)?\.csv", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:.*/)?Articles/[^/]+\.html")
_PROFILE = re.compile(r"(?:.*/)?profile\.csv", re.IGNORECASE)

# A date, or a link to LinkedIn behind what stands in the date's place.
_ROW_BEGINS = re.compile(
    r'"?\d{4}-\d{2}-\d{2} \d{2}:\d{2}|[^,\n]{0,40},"?https?://(?:\w+\.)?linkedin\.com/'
)
_ANY_LINE = re.compile("")
_ONLY_LINKS = re.compile(r"(?:https?://\S+\s*)+")
_UPDATE = re.compile(r"/feed/update/(urn:li:\w+:[\w:-]+)")
_PUBLISHED = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?")
# MEMBER_NETWORK is LinkedIn's word for all its members; older exports lack the column.
_PUBLIC = {"", "MEMBER_NETWORK", "PUBLIC", "ANYONE", "LOGGED_IN"}
_TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class _Post:
    link: str
    text: str
    published_at: str | None

    def document(self, author: str) -> RawDocument:
        return RawDocument(
            author,
            "linkedin",
            Category.POST,
            self.link,
            first_words(self.text),
            self.text,
            published_at=self.published_at,
        )


@dataclass(frozen=True, slots=True)
class _Article:
    link: str
    title: str
    published_at: str | None
    html: str

    def document(self, author: str) -> RawDocument:
        return RawDocument(
            author,
            "linkedin",
            Category.ARTICLE,
            self.link,
            self.title,
            to_markdown(self.html, self.link),
            published_at=self.published_at,
        )


class LinkedInExport:
    """Reads LinkedIn's data export, or the folder that it was unpacked to."""

    name = "linkedin export"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Read archives up to these limits."""
        self._limits = limits

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`; the archive's names are looked at."""
        return holds(source, _is_writing)

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`; an export is one find.

        LinkedIn also gives articles alone: an archive without the posts is a part of the export.
        """
        path = Path(task.source)
        whole = any(_SHARES.fullmatch(name) for name in names(path, self._limits))
        yield find(task, lambda: self._items(path), whole=whole)

    def _items(self, path: Path) -> Iterator[Item]:
        for member in read_members(path, _is_read, self._limits):
            if isinstance(member, Fault):
                yield member
            elif _SHARES.fullmatch(member.name):
                yield from _posts(member)
            elif _PROFILE.fullmatch(member.name):
                yield from _owner(member)
            else:
                yield _article(member)


def _is_writing(name: str) -> bool:
    return bool(_SHARES.fullmatch(name) or _ARTICLE.fullmatch(name))


def _is_read(name: str) -> bool:
    return _is_writing(name) or _PROFILE.fullmatch(name) is not None


def _posts(member: Member) -> Iterator[Item]:
    for row in read_rows(decode(member.data, "utf-8"), _ROW_BEGINS):
        where = f"{printable(member.name)}, row {row.number}"
        if isinstance(row, BrokenRow):
            yield Fault(where, row.reason)
        elif not {"sharelink", "sharecommentary"} <= row.values.keys():
            yield Fault(printable(member.name), "has no columns ShareLink and ShareCommentary")
            return
        else:
            yield _post(row, where)


def _post(row: Row, where: str) -> Item:
    words = _commentary(row.values["sharecommentary"])
    if not words:
        return LeftOut("reshares without words")
    if _ONLY_LINKS.fullmatch(words):
        return LeftOut("nothing but a link")
    if row.values.get("visibility", "").strip().upper() not in _PUBLIC:
        return LeftOut("not public")
    try:
        link = linkedin_link(row.values["sharelink"])
    except ValueError as error:
        return Fault(where, f"its ShareLink {error}")
    shared = row.values.get("sharedurl", "").strip()
    if shared.startswith(("https://", "http://")) and shared not in words:
        words = f"{words}\n\n{shared}"
    return _Post(link, words, iso_time(row.values.get("date", "")))


def _commentary(field: str) -> str:
    r"""Return the words of the field.

    Some exports wrap each line of a post in quotes of its own. Then every line end stands between
    two, and the first line has one quote too many, which tells it from lines that are quotations.
    """
    text = field.replace("\r\n", "\n").strip()
    breaks = text.count("\n")
    wrapped = text.split('"\n"')
    if breaks and len(wrapped) == breaks + 1 and wrapped[0].count('"') % 2 == 0:
        text = "\n".join(wrapped).strip()
    return text


def _owner(member: Member) -> Iterator[Item]:
    row = next(read_rows(decode(member.data, "utf-8"), _ANY_LINE), None)
    if isinstance(row, Row):
        parts = (row.values.get(column, "") for column in ("first name", "last name"))
        name = " ".join(" ".join(parts).split())
        if name:
            yield Owner(name)


def _article(member: Member) -> Item:
    try:
        page = parse(decode(member.data, "utf-8"))
    except BadInputError as error:
        return Fault(printable(member.name), str(error))
    body, heading, link = page.body, page.css_first("h1"), page.css_first("h1 a")
    if body is None or heading is None:
        return Fault(printable(member.name), "is no article: it has no heading")
    published = page.css_first("p.published")
    date = _PUBLISHED.search(published.text()) if published is not None else None
    if date is None:
        return LeftOut("drafts of articles")
    try:
        address = linkedin_link((link.attributes.get("href") if link is not None else None) or "")
    except ValueError as error:
        return Fault(printable(member.name), f"its link {error}")
    title = " ".join(heading.text().split())
    for node in (heading, *page.css("p.created, p.published")):
        node.decompose()
    if not body.text().strip():
        return LeftOut("without words")
    return _Article(address, title, iso_time(date[0]), body.inner_html or "")


def linkedin_link(link: str) -> str:
    """Return the one form of a link to a post or article on LinkedIn.

    Raises:
        ValueError: it leads elsewhere.
    """
    parts = urlsplit(link.strip())
    if parts.scheme not in ("http", "https") or not is_linkedin(parts.hostname or ""):
        raise ValueError("does not lead to LinkedIn")
    update = _UPDATE.fullmatch(unquote(parts.path).rstrip("/"))
    path = f"/feed/update/{update[1]}" if update else parts.path.rstrip("/")
    if not path:
        raise ValueError("leads to no post or article")
    return f"https://www.linkedin.com{path}"


def is_linkedin(host: str) -> bool:
    """Tell whether the host is linkedin.com or under it."""
    return host.split(".")[-2:] == ["linkedin", "com"]


def first_words(text: str) -> str:
    """Return the first line, shortened between words to what a title holds."""
    line = text.partition("\n")[0].strip()
    if len(line) <= _TITLE_LENGTH:
        return line
    whole_words = line[:_TITLE_LENGTH].rpartition(" ")[0].rstrip()
    return (whole_words or line[: _TITLE_LENGTH - 1]) + "…"
