"""HTML kept within what can be parsed and read in seconds, before it is parsed."""

import re
from collections import Counter

from twin_assets.errors import BadInputError

# Finding the article among more takes minutes and gigabytes; long articles have some thousands.
MOST_ELEMENTS = 100_000

# A page with more elements open at once has its inner tags left out before it is parsed: the
# parser takes quadratic time over them. Open formatting is repeated in every new paragraph.
_MAX_OPEN = 500
_MAX_OPEN_FORMATTING = 24
# It takes quadratic time over an element's attributes, too.
_LONG_TAG = 20_000
_MOST_ATTRIBUTES = 2_000
_FORMATTING = frozenset(
    [
        "a",
        "b",
        "big",
        "code",
        "em",
        "font",
        "i",
        "nobr",
        "s",
        "small",
        "strike",
        "strong",
        "tt",
        "u",
    ]
)
_ONE_AT_A_TIME = frozenset(["a", "nobr"])  # the next one ends the one that is open
VOID = frozenset(
    [
        *("area", "base", "br", "col", "embed", "hr", "img"),
        *("input", "link", "meta", "param", "source", "track", "wbr"),
    ]
)
_END_IS_OPTIONAL = frozenset(
    [
        *("html", "head", "body", "p", "li", "dt", "dd", "tr", "td"),
        *("th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "caption", "rt", "rp"),
    ]
)
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|textarea|title)\b.*?(?:</\1\s*>|\Z)"
    r"|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/<>]*)[^<>]*>?",
    re.DOTALL | re.IGNORECASE,
)


def bounded(html: str) -> str:
    """Return the HTML without tags that open while too many others are open, or are too long.

    Raises:
        BadInputError: it has more elements than any page to be read.
    """
    tags = _Tags()
    kept: list[str] = []
    done = 0
    for tag in _TAG.finditer(html):
        name = (tag["name"] or "").lower()
        if not name:
            continue
        meet = tags.end if tag["end"] else tags.start
        if _is_long(tag) or not meet(name):
            kept.append(html[done : tag.start()])
            done = tag.end()
    return "".join([*kept, html[done:]]) if kept else html


def too_many_elements() -> BadInputError:
    """Return the fault of a page with more than ``MOST_ELEMENTS``."""
    return BadInputError(f"the page has more than {MOST_ELEMENTS:,} elements")


def _is_long(tag: re.Match[str]) -> bool:
    return tag.end() - tag.start() > _LONG_TAG and len(tag[0].split()) > _MOST_ATTRIBUTES


class _Tags:
    """The tags so far: how many elements they make, and which are open."""

    def __init__(self) -> None:
        self._opened: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._total = 0  # of those opened
        self._formatting = 0  # of those opened
        self._elements = 0

    def start(self, name: str) -> bool:
        """Count a tag that begins an element, and tell whether it may stay."""
        is_formatting = name in _FORMATTING
        # what is open of formatting may be repeated in it
        self._elements += 1 if is_formatting else 1 + self._formatting
        if self._elements > MOST_ELEMENTS:
            raise too_many_elements()
        if name in VOID or name in _END_IS_OPTIONAL:
            return True
        if name in _ONE_AT_A_TIME and self._opened[name]:
            return True
        if self._total >= _MAX_OPEN or (is_formatting and self._formatting >= _MAX_OPEN_FORMATTING):
            self._skipped[name] += 1
            return False
        self._opened[name] += 1
        self._total += 1
        self._formatting += is_formatting
        return True

    def end(self, name: str) -> bool:
        """Count a tag that ends an element, and tell whether it may stay."""
        if self._skipped[name]:
            self._skipped[name] -= 1
            return False
        if self._opened[name]:
            self._opened[name] -= 1
            self._total -= 1
            self._formatting -= name in _FORMATTING
        return True
