"""A web page as a document."""

from collections.abc import Iterator
from dataclasses import dataclass

from twin_assets.extraction.content import article
from twin_assets.extraction.markdown import render
from twin_assets.extraction.metadata import read_metadata
from twin_assets.extraction.passages import words
from twin_assets.extraction.tree import Element, parse, visible_tree

_HEADINGS = frozenset(["h1", "h2"])


@dataclass(frozen=True, slots=True)
class Page:
    """An article's text as Markdown, without its title, and what its page says about it."""

    link: str
    title: str
    text: str
    subtitle: str | None
    byline: str | None
    published_at: str | None
    language: str | None
    site: str | None


def extract_page(html: str, link: str) -> Page | None:
    """Return the article on the page, or None when the page has no text to read.

    Args:
        html: the page, however broken.
        link: where it was found. The result's link is the page's canonical one if that is on the
            same site.

    Raises:
        BadInputError: the page has more elements than any page to be read.
        ValueError: the link is not an http or https link.
    """
    parsed = parse(html)
    metadata = read_metadata(parsed, link)
    found = article(visible_tree(parsed), metadata.body)
    if found is None:
        return None
    _drop_title(found, metadata.title)
    text = render(found, metadata.link)
    if not words(text):
        return None
    return Page(
        link=metadata.link,
        title=metadata.title,
        text=text,
        subtitle=metadata.subtitle,
        byline=metadata.byline,
        published_at=metadata.published_at,
        language=metadata.language,
        site=metadata.site,
    )


def _drop_title(tree: Element, title: str) -> None:
    """Take out the first heading if it says no more than the title."""
    for parent, heading in _headings(tree):
        if words(heading.text) == words(title):
            parent.children.remove(heading)
        return


def _headings(tree: Element) -> Iterator[tuple[Element, Element]]:
    for parent in tree.walk():
        for element in parent.elements:
            if element.tag in _HEADINGS:
                yield parent, element
