"""Crawled Markdown as calm HTML: its marks become bold, italic and code, and everything is escaped.

A character of the text is shown once or, where it is a mark, not at all; none is moved. So spans
that count characters, as those of the supporting words do, still fit. Links are not followed: what
was crawled may say anything.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]+(?=\S)")
_IMAGE_OR_LINK = re.compile(r"(!?\[)([^\[\]\n]{0,500})(\]\([^()\s]{0,2000}(?:[ ]+\"[^\"\n]*\")?\))")
_CODE = re.compile(r"(`{1,3})([^`\n]+)\1")
_BOLD = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+?)(?<=\S)\1")
_ITALIC = re.compile(r"(?<![\w*_])([*_])(?=[^\s*_])([^*_\n]+?)(?<=[^\s*_])\1(?![\w*_])")
_TAGS = ("mark", "b", "i", "code")  # from the outside in
_HIDDEN = ""


class _Span(NamedTuple):
    start: int
    end: int
    tag: str


def prose_html(
    text: str, marks: Sequence[tuple[int, int]] = (), *, cuts: Sequence[int] = ()
) -> list[str]:
    """Return the Markdown text as HTML in which white space is to be kept, a piece at each cut.

    What a piece means is decided by the whole text: a block of code may begin before it.

    Args:
        text: what was crawled.
        marks: spans of ``text`` that get a ``<mark>``, half open.
        cuts: where it is cut, ascending; without one there is one piece.
    """
    return _pieces(text, [*_formats(text), *_marked(marks)], cuts)


def code_html(
    text: str, marks: Sequence[tuple[int, int]] = (), *, cuts: Sequence[int] = ()
) -> list[str]:
    """Return source code as :func:`prose_html` does: nothing in it is Markdown."""
    return _pieces(text, _marked(marks), cuts)


def _marked(marks: Sequence[tuple[int, int]]) -> list[_Span]:
    return [_Span(start, end, "mark") for start, end in marks]


def _pieces(text: str, spans: Sequence[_Span], cuts: Sequence[int]) -> list[str]:
    bounds = [0, *cuts, len(text)]
    return [
        _html(text[start:end], [_Span(s.start - start, s.end - start, s.tag) for s in spans])
        for start, end in pairwise(bounds)
    ]


def _html(text: str, spans: Sequence[_Span]) -> str:
    """Write the text piece by piece, each within the tags of the spans that it lies in."""
    bounds = {0, len(text)}
    starts: dict[int, list[str]] = {}
    ends: dict[int, list[str]] = {}
    for span in spans:
        start, end, tag = max(span.start, 0), min(span.end, len(text)), span.tag
        if start < end:
            bounds |= {start, end}
            starts.setdefault(start, []).append(tag)
            ends.setdefault(end, []).append(tag)
    active: dict[str, int] = {}
    open_tags: list[str] = []
    parts: list[str] = []
    places = sorted(bounds)
    for at, until in zip(places, [*places[1:], len(text)], strict=True):
        for tag in ends.get(at, ()):
            active[tag] -= 1
        for tag in starts.get(at, ()):
            active[tag] = active.get(tag, 0) + 1
        if active.get(_HIDDEN):
            continue
        wanted = [tag for tag in _TAGS if active.get(tag)] if at < until else []
        shared = 0
        while shared < min(len(open_tags), len(wanted)) and open_tags[shared] == wanted[shared]:
            shared += 1
        parts += [f"</{tag}>" for tag in reversed(open_tags[shared:])]
        parts += [f"<{tag}>" for tag in wanted[shared:]]
        open_tags = wanted
        parts.append(escape(text[at:until]))
    return "".join([*parts, *(f"</{tag}>" for tag in reversed(open_tags))])


def _formats(text: str) -> Iterator[_Span]:
    fence: str | None = None
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        end = at + len(bare)
        mark = _FENCE.match(bare)
        if mark and fence in (None, mark[1]):
            fence = None if fence else mark[1]
            yield _Span(at, at + len(line), _HIDDEN)
        elif fence:
            yield _Span(at, end, "code")
        elif heading := _HEADING.match(bare):
            words = len(bare.rstrip().rstrip("#").rstrip())  # a heading may be closed by marks
            yield _Span(at, at + heading.end(), _HIDDEN)
            yield _Span(at + heading.end(), at + words, "b")
            yield _Span(at + max(words, heading.end()), end, _HIDDEN)
            yield from _inline(bare, at, heading.end())
        else:
            yield from _inline(bare, at, 0)
        at += len(line)


def _inline(line: str, offset: int, begin: int) -> Iterator[_Span]:
    """Yield the spans of one line; what is within code is nothing else."""
    taken = bytearray(len(line))
    for found in _CODE.finditer(line, begin):
        _take(taken, *found.span())
        yield from _wrapped(found, offset, "code")
    for found in _IMAGE_OR_LINK.finditer(line, begin):
        if not any(taken[found.start() : found.end()]):
            yield _Span(offset + found.start(), offset + found.end(1), _HIDDEN)
            yield _Span(offset + found.end(2), offset + found.end(), _HIDDEN)
            _take(taken, *found.span(3))
    for pattern, tag in ((_BOLD, "b"), (_ITALIC, "i")):
        for found in pattern.finditer(line, begin):
            if not any(taken[found.start() : found.end()]):
                yield from _wrapped(found, offset, tag)


def _wrapped(found: re.Match[str], offset: int, tag: str) -> Iterator[_Span]:
    yield _Span(offset + found.start(), offset + found.start(2), _HIDDEN)
    yield _Span(offset + found.start(2), offset + found.end(2), tag)
    yield _Span(offset + found.end(2), offset + found.end(), _HIDDEN)


def _take(taken: bytearray, start: int, end: int) -> None:
    taken[start:end] = b"\x01" * (end - start)
