"""HTML to Markdown: headings, paragraphs, lists, quotes, tables and code, and no HTML."""

import re

from twin_assets.extraction.inline import fence, line, paragraphs
from twin_assets.extraction.passages import Run, Structure
from twin_assets.extraction.tree import Element, parse, visible_tree

# Every level of quotes and lists is written before each of its lines.
_DEEPEST = 12

_HEADING = re.compile(r"h([1-6])")
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight-source|brush)(?:-|:\s*)([\w+#.-]+)")
_LINE_NUMBERS = re.compile(
    r"(?:^|[\s_-])(?:line-?nos?|line-?numbers?|gutter|linenos?div)(?:$|[\s_-])", re.IGNORECASE
)
_NOT_IN_A_CELL = frozenset(
    ["table", "pre", "ul", "ol", "dl", "blockquote", "figure", "h1", "h2", "h3", "h4", "h5", "h6"]
)


def to_markdown(fragment_html: str, base: str) -> str:
    """Return the HTML's visible text as Markdown, its links absolute and to web pages only.

    Args:
        fragment_html: a page or any part of one, however broken.
        base: the link of the page that it is from.

    Raises:
        BadInputError: it has more elements than any page to be read.
    """
    return render(visible_tree(parse(fragment_html)), base)


def render(tree: Element, base: str) -> str:
    """Return the tree as Markdown."""
    return "\n\n".join(_Renderer(Structure(tree), base).blocks(tree, 0))


class _Renderer:
    def __init__(self, structure: Structure, base: str) -> None:
        self._parts = structure.parts
        self._base = base

    def blocks(self, element: Element, depth: int) -> list[str]:
        """Return the blocks in the element, which stands in so many lists and quotes."""
        found: list[str] = []
        for part in self._parts[element]:
            if isinstance(part, Run):
                found += paragraphs(part.pieces, self._base)
            else:
                found += self._block(part, depth)
        return found

    def _block(self, element: Element, depth: int) -> list[str]:
        tag = element.tag
        found: list[str]
        if heading := _HEADING.fullmatch(tag):
            pieces = [child for child in element.children if not _is_permalink(child)]
            text = line(pieces, self._base, plain=True)
            found = [f"{'#' * int(heading[1])} {text}"] if text else []
        elif tag == "pre":
            found = _code(element)
        elif tag in ("ul", "ol", "menu") and depth < _DEEPEST:
            found = self._list(element, depth)
        elif tag == "blockquote" and depth < _DEEPEST:
            quoted = "\n\n".join(self.blocks(element, depth + 1))
            found = [_prefixed(quoted, "> ")] if quoted else []
        elif tag == "table":
            found = self._table(element, depth)
        elif tag == "figure":
            found = self._figure(element, depth)
        elif tag == "hr":
            found = ["---"]
        else:
            found = self.blocks(element, depth)
        return found

    def _list(self, element: Element, depth: int) -> list[str]:
        items: list[list[str]] = []
        for part in self._parts[element]:
            if isinstance(part, Element) and part.tag == "li":
                items.append(self.blocks(part, depth + 1))
            elif isinstance(part, Element):  # a list in a list, which should be in its item
                items.append([*(items.pop() if items else []), *self._block(part, depth + 1)])
            else:
                items.append(paragraphs(part.pieces, self._base))
        lines = []
        number = _start(element)
        for item in filter(None, items):
            mark = f"{number}. " if element.tag == "ol" else "- "
            number += 1
            tight = len(item) == 2 and item[1].startswith(("- ", "1. "))
            text = ("\n" if tight else "\n\n").join(item)
            lines.append(mark + _prefixed(text, " " * len(mark)).removeprefix(" " * len(mark)))
        return ["\n".join(lines)] if lines else []

    def _table(self, element: Element, depth: int) -> list[str]:
        rows = _rows(element)
        width = max((len(row) for row in rows), default=0)
        # Rows that differ much are no table, and would be padded without end.
        ragged = width * len(rows) > 4 * sum(len(row) for row in rows)
        if len(rows) < 2 or width < 2 or ragged or not _holds_data(element):
            return [
                block
                for inner in element.elements
                if not _is_gutter(inner)
                for block in self._cells(inner, depth)
            ]
        found = [
            caption
            for inner in element.elements
            if inner.tag == "caption"
            for caption in paragraphs(inner.children, self._base)
        ]
        lines = []
        for row in rows:
            cells = [line(cell.children, self._base).replace("|", "\\|") for cell in row]
            lines.append(f"| {' | '.join(cells + [''] * (width - len(cells)))} |")
        lines.insert(1, f"|{' --- |' * width}")
        return [*found, "\n".join(lines)]

    def _cells(self, element: Element, depth: int) -> list[str]:
        """Return the blocks of a table that only arranges them."""
        if element.tag in ("tbody", "thead", "tfoot", "tr"):
            inner = (child for child in element.elements if not _is_gutter(child))
            return [block for child in inner for block in self._cells(child, depth)]
        return self._block(element, depth)

    def _figure(self, element: Element, depth: int) -> list[str]:
        captions = [inner for inner in element.walk() if inner.tag == "figcaption"]
        if not any(re.search(r"\w", caption.text) for caption in captions):
            return self.blocks(element, depth)
        # The caption says it for the picture.
        for inner in element.walk():
            if inner.tag == "img":
                inner.attributes.pop("alt", None)
        return self.blocks(element, depth)


def _code(element: Element) -> list[str]:
    code = _without_line_numbers(element).text.replace("\r\n", "\n").rstrip().removeprefix("\n")
    if not code.strip():
        return []
    mark = fence(code, 3)
    return [f"{mark}{_language(element)}\n{code}\n{mark}"]


def _language(element: Element) -> str:
    for inner in element.walk():
        declared = inner.attributes.get("data-lang") or inner.attributes.get("data-language") or ""
        if found := _LANGUAGE.search(f"{inner.attributes.get('class', '')} lang-{declared}"):
            return found[1].lower()
    return ""


def _without_line_numbers(element: Element) -> Element:
    children = [
        child if isinstance(child, str) else _without_line_numbers(child)
        for child in element.children
        if isinstance(child, str) or not _is_gutter(child)
    ]
    return Element(element.tag, element.attributes, children)


def _is_gutter(element: Element) -> bool:
    """Return whether the element holds nothing but the numbers of lines of code."""
    if element.tag in ("tbody", "tr") or not re.fullmatch(r"[\d\s]+", element.text):
        return False
    return any(_LINE_NUMBERS.search(inner.attributes.get("class", "")) for inner in element.walk())


def _is_permalink(piece: Element | str) -> bool:
    if isinstance(piece, str) or piece.tag != "a":
        return False
    return not re.search(r"\w", line([piece], "", plain=True))


def _start(element: Element) -> int:
    start = element.attributes.get("start", "")
    return int(start) if re.fullmatch(r"[0-9]{1,8}", start) else 1


def _rows(table: Element) -> list[list[Element]]:
    rows = [row for row in table.walk() if row.tag == "tr"]
    return [cells for row in rows if (cells := _row(row))]


def _row(row: Element) -> list[Element]:
    cells: list[Element] = []
    for cell in row.elements:
        if cell.tag in ("td", "th"):
            span = cell.attributes.get("colspan", "")
            wider = int(span) - 1 if re.fullmatch(r"[1-9][0-9]?", span) else 0
            cells += [cell, *(Element("td") for _ in range(wider))]
    return cells


def _holds_data(table: Element) -> bool:
    """Return whether it is a table of data, not one that arranges the page."""
    if table.attributes.get("role") in ("presentation", "none"):
        return False
    return not any(inner.tag in _NOT_IN_A_CELL for inner in table.walk() if inner is not table)


def _prefixed(text: str, prefix: str) -> str:
    return "\n".join((prefix + line).rstrip() for line in text.split("\n"))
