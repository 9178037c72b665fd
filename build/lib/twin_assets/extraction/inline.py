"""The words of one paragraph as Markdown: emphasis, code, links, pictures' descriptions."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from twin_assets.extraction.passages import BLOCKS
from twin_assets.extraction.tree import Element

_EMPHASIS = {"strong": "**", "b": "**", "em": "*", "i": "*"}
_CODE = frozenset(["code", "kbd", "samp", "tt"])

# What Markdown would take for its own, and what a browser would take for HTML.
_MARKS = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])|`|(?<!\s)\*|\*(?!\s)"
    r"|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])"
)
_ENTITY = re.compile(r"&(?=#?\w+;)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINE_START = re.compile(
    r"^(?:(#{1,6})(?=\s|$)|(>)|([-+*])(?=\s|$)|(\d{1,9})([.)])(?=\s|$)|(~)(?=~~)|([-=|:])(?=[\s|:=-]*$))",
    re.MULTILINE,
)
_PICTURE_NAME = re.compile(
    r"(?i)\S+\.(?:png|jpe?g|gif|webp|svg|avif)|(?:image|img|photo|picture|figure|logo)?[\s\d_-]*"
)
_EXPONENT = re.compile(r"[-+−]?\d{1,3}")


def paragraphs(pieces: Iterable[Element | str], base: str) -> list[str]:
    """Return the text's paragraphs as Markdown: two line breaks part them.

    Args:
        pieces: text and inline elements.
        base: the page's link, to which relative links are.
    """
    text = _Writer(base).write(pieces).result()
    lines = (re.sub(r" *\n *", "\n", part).strip() for part in re.split(r"\s*\n\s*\n\s*", text))
    return [_LINE_START.sub(_escape_start, line).replace("\n", "  \n") for line in lines if line]


def line(pieces: Iterable[Element | str], base: str, *, plain: bool = False) -> str:
    """Return the text as Markdown in one line; plain is without links and emphasis."""
    within = frozenset(["a", *_EMPHASIS.values()]) if plain else frozenset()
    return " ".join(_Writer(base, within).write(pieces).result().split())


def description(image: Element) -> str:
    """Return what the image's alternative text says, or "" if it is but a name."""
    text = " ".join(image.attributes.get("alt", "").split())
    return "" if _PICTURE_NAME.fullmatch(text) else text


def web_link(href: str, base: str) -> str | None:
    """Return the absolute link if it leads to a web page, else None."""
    try:
        link = urljoin(base, href.strip())
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return quote(link, safe="%/:=&?~#+!$,;'@*[]-._|{}^")


def fence(code: str, least: int) -> str:
    """Return a run of backticks, at least so many, that the code does not hold."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    return "`" * max(least, longest + 1)


class _Writer:
    """Collects text until markup ends it, so that marks in it are seen whole and escaped."""

    def __init__(self, base: str, within: frozenset[str] = frozenset()) -> None:
        self._base = base
        self._within = within
        self._done: list[str] = []
        self._text: list[str] = []
        self._last_mark = ""

    def write(self, pieces: Iterable[Element | str]) -> "_Writer":
        for piece in pieces:
            if isinstance(piece, str):
                self._text.append(piece)
            else:
                self._element(piece)
        return self

    def result(self) -> str:
        self._end_text()
        return "".join(self._done)

    def _element(self, element: Element) -> None:
        tag = element.tag
        if tag == "br":
            self._markup("\n")
        elif tag == "img":
            self._text.append(f" {description(element)} ")
        elif tag in _CODE:
            self._code(" ".join(element.text.split()))
        elif tag in _EMPHASIS:
            self._emphasis(element, _EMPHASIS[tag])
        elif tag == "a":
            self._link(element)
        elif tag == "math":
            self._formula(element)
        elif tag == "sup" and _EXPONENT.fullmatch(element.text.strip()) and not _has_link(element):
            self._text.append(f"^{element.text.strip()}")
        elif tag == "sup":  # a footnote's mark leads nowhere outside its page
            self._unlinked(element)
        elif tag in BLOCKS:
            self._text.append(" ")
            self.write(element.children)
            self._text.append(" ")
        else:
            self.write(element.children)

    def _unlinked(self, element: Element) -> None:
        outer, self._within = self._within, self._within | {"a"}
        self.write(element.children)
        self._within = outer

    def _code(self, code: str) -> None:
        if code:
            mark = fence(code, 1)
            pad = " " if code.startswith("`") or code.endswith("`") else ""
            self._markup(f"{mark}{pad}{code}{pad}{mark}")

    def _emphasis(self, element: Element, mark: str) -> None:
        if mark in self._within:
            self.write(element.children)
            return
        inner = _Writer(self._base, self._within | {mark}).write(element.children).result()
        text = inner.strip()
        if not re.search(r"\w", text) or re.search(r"\n\s*\n", text):
            self.write(element.children)
            return
        before, after = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
        self._end_text()
        if self._last_mark == mark and not before:  # it goes on with what has just ended
            self._done[-1] = self._done[-1].removesuffix(mark) + text + mark
        else:
            self._markup(before)
            self._markup(mark + text + mark)
        self._last_mark = mark
        if after:
            self._markup(after)

    def _link(self, element: Element) -> None:
        link = web_link(element.attributes.get("href", ""), self._base)
        if "a" in self._within or link is None or urldefrag(link)[0] == urldefrag(self._base)[0]:
            self.write(element.children)
            return
        inner = _Writer(self._base, self._within | {"a"}).write(element.children).result()
        text = " ".join(inner.split())
        if not text:
            return
        self._text.append(" " if inner[0].isspace() else "")
        self._markup(f"[{text}]({link})")
        self._text.append(" " if inner[-1].isspace() else "")

    def _formula(self, element: Element) -> None:
        for inner in element.walk():
            if inner.tag == "annotation" and "tex" in inner.attributes.get("encoding", ""):
                formula = " ".join(inner.text.split())
                self._text.append(f"${formula}$")
                return
        self._text.append(element.text)

    def _markup(self, markup: str) -> None:
        self._end_text()
        self._last_mark = ""
        if markup:
            self._done.append(markup)

    def _end_text(self) -> None:
        if not self._text:
            return
        text = re.sub(r"\s+", " ", "".join(self._text))
        self._text.clear()
        if self._done and self._done[-1][-1].isspace():
            text = text.lstrip()
        if text:
            self._last_mark = ""
            text = _MARKS.sub(lambda mark: "\\" + mark[0], text)
            self._done.append(_TAG.sub("&lt;", _ENTITY.sub("&amp;", text)))


def _has_link(element: Element) -> bool:
    return any(inner.tag == "a" for inner in element.walk())


def _escape_start(mark: re.Match[str]) -> str:
    if mark[4]:
        return f"{mark[4]}\\{mark[5]}"
    return "\\" + mark[0]
