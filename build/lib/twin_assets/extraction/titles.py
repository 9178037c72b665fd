"""Which of the titles that a page gives itself is its article's."""

import re
from collections.abc import Iterable

from twin_assets.extraction.passages import words

_SEPARATOR = re.compile(r"\s+(?:[|\-–—:·»«/\\]|::|>)\s+")
_FEWEST_WORDS = 3  # of a title that has lost what looks like the site's name
_MOST_WORDS_OF_A_SITE = 4
_AGREES = 0.8


def choose_title(
    declared: Iterable[str | None], page_title: str | None, headings: list[str], site: str | None
) -> str:
    """Return the article's title, or "" when the page gives none.

    Of the titles in the order given, the first that another place on the page confirms; if none
    is confirmed, the first.

    Args:
        declared: titles in the page's metadata, the most trusted first.
        page_title: what stands in <title>.
        headings: the texts of its <h1> elements.
        site: the site's name.
    """
    places = [*dict.fromkeys(filter(None, declared)), page_title or "", *headings]
    titles = [_without_site(title, site) for title in places]
    for place, title in enumerate(titles):
        others = titles[:place] + titles[place + 1 :]
        if title and any(_agree(title, other) for other in others):
            if title == _without_site(page_title or "", site):
                # <title> often has the site's name as well, the heading has not.
                inner = [h for h in headings if _agree(title, h) and h in title]
                return inner[0] if inner else title
            return title
    first = next(filter(None, titles), "")
    return _without_last_part(first) if first == _without_site(page_title or "", site) else first


def _agree(one: str, other: str) -> bool:
    left, right = set(words(one)), set(words(other))
    if not left or not right:
        return False
    return len(left & right) >= _AGREES * min(len(left), len(right))


def _without_site(title: str, site: str | None) -> str:
    """Return the title without the site's name before or after it."""
    if not site:
        return title
    # Some sites add their motto to it: "The Daily - All that is new".
    names = {site.casefold(), _SEPARATOR.split(site)[0].casefold()}
    for mark in _SEPARATOR.finditer(title):
        before, after = title[: mark.start()], title[mark.end() :]
        if after.casefold() in names:
            return before
        if before.casefold() in names:
            return after
    return title


def _without_last_part(title: str) -> str:
    marks = list(_SEPARATOR.finditer(title))
    if not marks:
        return title
    before, after = title[: marks[-1].start()], title[marks[-1].end() :]
    short = len(words(after)) <= _MOST_WORDS_OF_A_SITE
    return before if short and len(words(before)) >= _FEWEST_WORDS else title
