"""A page as a small tree of visible elements, of bounded depth whatever the page does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from twin_assets.extraction.bounds import MOST_ELEMENTS, VOID, bounded, too_many_elements

# Deeper elements give their text to the element at this depth, so that what walks the tree may
# recurse.
MAX_DEPTH = 120

_INVISIBLE = frozenset(
    [
        *("script", "style", "template", "noscript", "iframe", "object"),
        *("embed", "svg", "canvas", "audio", "video", "input", "select"),
        *("textarea", "button", "dialog", "head", "link"),
        *("meta", "map", "progress", "meter", "datalist", "frameset"),
    ]
)
_NEVER_HIDDEN = frozenset(["html", "body", "main", "article"])  # shown by a script, once loaded
_HIDING_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Element:
    """A visible element: its attributes and what stands in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    @property
    def elements(self) -> Iterator["Element"]:
        """The elements that stand directly in this one."""
        return (child for child in self.children if isinstance(child, Element))

    def walk(self) -> Iterator["Element"]:
        """Return this element and all below it, in the page's order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(list(element.elements)))

    @property
    def text(self) -> str:
        """All text in the element, as it stands in the page."""
        parts: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                parts.append(item)
            elif item.tag == "br":
                parts.append("\n")
            else:
                waiting.extend(reversed(item.children))
        return "".join(parts)

    @property
    def names(self) -> str:
        """What the page's author calls the element: its id, classes and role."""
        return " ".join(self.attributes.get(name, "") for name in ("id", "class", "role"))

    def html(self) -> str:
        """Return the element as HTML again."""
        if self.tag in VOID:
            return f"<{self.tag}>"
        inner = "".join(
            escape(child, quote=False) if isinstance(child, str) else child.html()
            for child in self.children
        )
        attributes = "".join(
            f' {name}="{escape(value)}"' for name, value in self.attributes.items()
        )
        return f"<{self.tag}{attributes}>{inner}</{self.tag}>"


def parse(html: str) -> LexborHTMLParser:
    """Return the parsed page. Tags nested beyond any sense are left out, their text stays.

    Raises:
        BadInputError: it has more elements than any page to be read.
    """
    page = LexborHTMLParser(bounded(html))
    elements = page.root.traverse() if page.root is not None else ()
    for number, _ in enumerate(elements, 1):  # broken markup can make more than it has tags
        if number > MOST_ELEMENTS:
            raise too_many_elements()
    return page


def visible_tree(page: LexborHTMLParser) -> Element:
    """Return what a reader sees of the page: no scripts, fields, comments, hidden elements."""
    root = page.root
    if root is None:
        return Element("html")
    top = Element("html", _attributes(root))
    into = [top]  # the elements that are open, from the top down
    open_nodes = [root]
    node = root.child
    while True:
        if node is None:
            closed = open_nodes.pop()
            if not open_nodes:
                return top
            if len(open_nodes) < MAX_DEPTH:
                into.pop()
            node = closed.next
            continue
        if node.is_text_node:
            into[-1].children.append(node.text_content or "")
        elif node.is_element_node:
            element = Element(node.tag or "", _attributes(node))
            if not _is_hidden(element):
                if len(open_nodes) < MAX_DEPTH:
                    into[-1].children.append(element)
                    into.append(element)
                open_nodes.append(node)
                node = node.child
                continue
        node = node.next


def _attributes(node: LexborNode) -> dict[str, str]:
    return {name: value or "" for name, value in node.attributes.items()}


def _is_hidden(element: Element) -> bool:
    if element.tag in _INVISIBLE:
        return True
    if element.tag in _NEVER_HIDDEN:
        return False
    attributes = element.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or attributes.get("aria-modal", "").lower() == "true"
        or bool(_HIDING_STYLE.search(attributes.get("style", "")))
    )
