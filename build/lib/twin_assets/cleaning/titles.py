"""Titles: the site's name and the byline that page titles carry are taken off."""

import re
from itertools import takewhile
from urllib.parse import urlsplit

from twin_assets.cleaning.markdown import Block
from twin_assets.cleaning.text import excerpt, one_line
from twin_assets.documents import RawDocument, slugify

_PLATFORMS = {
    "medium",
    "substack",
    "linkedin",
    "github",
    "github-pages",
    "dev-community",
    "hashnode",
}
_BETWEEN = re.compile(r"\s+[-–—|·]\s+")
_NAME = r"[^\W\d_a-z][\w.’'-]*"
_BYLINE = re.compile(rf"by {_NAME}(?:\s(?:&\s|and\s)?{_NAME}){{0,5}}")
_LONGEST = 300
_SITE_AT_LEAST = 5


def article_title(raw: RawDocument, blocks: list[Block]) -> str:
    """Return the article's title: the given one, else its first heading, else its first words."""
    heading = next((block.plain for block in blocks if block.level and block.plain), None)
    given = one_line(raw.title)
    if given is not None and heading is not None and _wraps(given, heading):
        return heading
    title = _own_part(raw, given or "")
    return title or heading or excerpt(blocks[0].text if blocks else "")


def without_title(blocks: list[Block], title: str) -> list[Block]:
    """Return the blocks without headings that open the text and only repeat the title or another.

    A subtitle that stands there twice, as Substack's pages have it, stays once.
    """
    repeated = takewhile(lambda block: block.level and same_words(block.plain, title), blocks)
    own = blocks[sum(1 for _ in repeated) :]
    heading = own[0].plain if own and own[0].level else ""
    again = takewhile(lambda block: block.level and same_words(block.plain, heading), own[1:])
    return own[:1] + own[1 + sum(1 for _ in again) :]


def same_words(one: str, other: str) -> bool:
    """Return whether two lines differ in case, marks and spaces only."""
    return _letters(one) == _letters(other)


def _letters(line: str) -> str:
    return re.sub(r"[\W_]+", "", line).casefold()


def _wraps(given: str, heading: str) -> bool:
    """Return whether the given title is the page's heading with a name or two round it."""
    parts = _BETWEEN.split(given[:_LONGEST])
    return len(parts) > 1 and any(same_words(part, heading) for part in parts)


def _own_part(raw: RawDocument, title: str) -> str:
    """Return the title without parts at its ends that name the author, the site or the platform."""
    if len(title) > _LONGEST:
        return title
    parts = _BETWEEN.split(title)
    first, last = 0, len(parts)
    # What follows the byline is the publication.
    last = next((at for at in range(1, last) if _BYLINE.fullmatch(parts[at])), last)
    while last > first and _is_name(raw, parts[last - 1]):
        last -= 1
    while first < last and _is_name(raw, parts[first]):
        first += 1
    if first >= last:
        return ""
    separators = _BETWEEN.findall(title)
    rest = zip(separators[first : last - 1], parts[first + 1 : last], strict=True)
    return parts[first] + "".join(mark + part for mark, part in rest)


def _is_name(raw: RawDocument, part: str) -> bool:
    slug = slugify(part)
    labels = (urlsplit(raw.link).hostname or "").split(".")[:-1]
    sites = {label.replace("-", "") for label in labels if len(label) >= _SITE_AT_LEAST}
    compact = slug.replace("-", "").removesuffix("newsletter").removesuffix("blog")
    return slug in ("", raw.author) or slug in _PLATFORMS or compact in sites
