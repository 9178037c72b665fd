"""A page's words in passages: each the run of text between two bounds of its blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from twin_assets.extraction.tree import Element

BLOCKS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "body", "caption"),
        *("center", "dd", "details", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu"),
        *("nav", "ol", "p", "pre", "section", "summary", "table"),
        *("tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    ]
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Text and inline elements that follow each other with no block between."""

    pieces: list[Element | str]


def words(text: str) -> list[str]:
    """Return the text's words in lower case."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A run of words, and the elements that it stands in, the outermost first."""

    path: tuple[Element, ...]
    run: Run
    text: str
    words: list[str]
    linked: int  # how many of the words are a link's

    @property
    def is_code(self) -> bool:
        """Whether it stands in a block of code."""
        return any(element.tag == "pre" for element in self.path)


class Structure:
    """Which elements of a tree divide its text, and so what runs of text it has."""

    def __init__(self, tree: Element) -> None:
        self.tree = tree
        # Elements that divide the text, and what they consist of.
        self.parts: dict[Element, list[Element | Run]] = {}
        for element in reversed(list(tree.walk())):  # what stands within comes first
            divides = element.tag in BLOCKS or any(e in self.parts for e in element.elements)
            if divides or element is tree:  # a broken page can be one inline element
                self.parts[element] = self._divided(element)

    def passages(self) -> Iterator[Passage]:
        """Return the runs that have words, in the page's order."""
        return self._passages_in((self.tree,))

    def _divided(self, element: Element) -> list[Element | Run]:
        parts: list[Element | Run] = []
        for child in element.children:
            if isinstance(child, Element) and child in self.parts:
                parts.append(child)
            elif parts and isinstance(parts[-1], Run):
                parts[-1].pieces.append(child)
            else:
                parts.append(Run([child]))
        return parts

    def _passages_in(self, path: tuple[Element, ...]) -> Iterator[Passage]:
        for part in self.parts[path[-1]]:
            if isinstance(part, Element):
                yield from self._passages_in((*path, part))
                continue
            whole = Element("span", children=part.pieces)
            text = whole.text
            if found := words(text):
                linked = len(found)
                if not any(element.tag == "a" for element in path):
                    links = (element.text for element in whole.walk() if element.tag == "a")
                    linked = sum(len(words(link)) for link in links)
                yield Passage(path, part, text, found, linked)
