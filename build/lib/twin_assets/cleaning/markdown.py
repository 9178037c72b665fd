"""Markdown as crawlers store it: taken apart into blocks, its lines joined, its links tidied.

Code is never touched beyond the indentation that html2text gives it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from twin_assets.cleaning.text import normalize_lines, repair_code, repair_prose
from twin_assets.cleaning.wrapping import TABLE_RULE, unwrap
from twin_assets.links import untracked

_FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
_INDENT = "    "
_COPY_BUTTON = re.compile(r"\s+__$")
_VERBATIM = re.compile(r"(?: {4}|\t)\s*(?![-*+] |\d{1,9}[.)] )\S")


def _target(name: str) -> str:
    """Return the pattern of a link's target: its address, which may hold (brackets), and title."""
    address = rf"(?P<{name}>[^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+)"
    return rf"\(\s*+{address}(?:\s++\"[^\"\n]*+\")?\s*+\)"


# Possessive throughout: a bracket that never closes is given up at once.
_INLINE = re.compile(
    r"(?P<keep>`+[^`\n]*+`+|\\\\)"
    rf"|\[!\[(?P<linked_alt>[^\[\]\n]*+)\]{_target('thumbnail')}\]{_target('linked')}"
    rf"|!\[(?P<alt>[^\[\]\n]*+)\]{_target('image')}"
    rf"|\[(?P<text>[^\[\]\n]*+)\]{_target('link')}"
    r"|\\(?P<escaped>[-+_#*])|(?<=\d)\\(?P<dot>\.)"
    # Emphasis around nothing, and runs of spaces.
    r"|(?<=\S)_?(?<!\*)\*{4}(?!\*)_?(?=\s*\S)|(?<=\S)[ \t]{2,}(?=\S)"
)
_ALT_IS_A_NAME = re.compile(
    r"(?i)\S*\.(?:png|jpe?g|gif|webp|svg)|(?:image|img|photo|picture|figure|screenshot)?[\s\d_-]*"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, table or code block: what stands between empty lines."""

    text: str
    code: bool = False

    @property
    def level(self) -> int:
        """The heading's level, 0 for anything else."""
        marks = len(self.text) - len(self.text.lstrip("#"))
        is_heading = not self.code and marks <= 6 and self.text[marks : marks + 1] in ("", " ")
        return marks if is_heading and "\n" not in self.text else 0

    @property
    def plain(self) -> str:
        """The words on one line, without the marks of headings, quotes and emphasis."""
        return " ".join(self.text.split()).strip("#>*_ ")


def parse(text: str) -> list[Block]:
    """Return the text's blocks, repaired: lines joined, escapes and empty links out."""
    blocks: list[Block] = []
    for segment in segments(text):
        if segment.code:
            blocks.append(segment)
            continue
        paragraphs = re.split(r"\n(?:[^\S\n]*+\n)+", repair_prose(segment.text))
        cleaned = (_clean_lines(unwrap(p.strip("\n"))) for p in paragraphs)
        blocks += [Block(paragraph) for paragraph in cleaned if paragraph.strip("# ")]
    return blocks


def render(blocks: list[Block]) -> str:
    """Return the blocks as text, one empty line between two."""
    return "\n\n".join(block.text for block in blocks).strip()


def segments(text: str) -> Iterator[Block]:
    """Yield the text's code blocks, each in fences, and what stands between them as it is."""
    lines = normalize_lines(text).split("\n")
    prose: list[str] = []
    unclosed = {"`": len(text) + 1, "~": len(text) + 1}
    at = 0
    while at < len(lines):
        end = _fence_end(lines, at, unclosed) or _indented_end(lines, at)
        if end is None:
            prose.append(lines[at])
            at += 1
            continue
        yield Block("\n".join(prose))
        prose = []
        fenced = lines[at:end] if lines[at].strip() else _in_fences(lines[at:end])
        yield Block(repair_code("\n".join(fenced)), code=True)
        at = end
    yield Block("\n".join(prose))


def _fence_end(lines: list[str], at: int, unclosed: dict[str, int]) -> int | None:
    """Return the line after the fenced code that opens here; an unclosed fence is plain text.

    ``unclosed`` remembers the shortest fence of each kind that nothing closes: a later one of its
    length cannot be closed either, so that many of them cost no more than one.
    """
    opening = _FENCE.match(lines[at])
    if opening is None:
        return None
    mark = opening[1]
    if len(mark) >= unclosed[mark[0]]:
        return None
    for end in range(at + 1, len(lines)):
        line = lines[end].strip()
        if line.startswith(mark) and not line.strip(mark[0]):
            return end + 1
    unclosed[mark[0]] = len(mark)
    return None


def _indented_end(lines: list[str], at: int) -> int | None:
    """Return the line after html2text's code block, which opens with two lines of four spaces."""
    before = lines[at - 1] if at else ""
    if lines[at : at + 2] != [_INDENT, _INDENT] or before.strip() or before.startswith(_INDENT):
        return None
    end = next((n for n in range(at, len(lines)) if not lines[n].startswith(_INDENT)), len(lines))
    return end if any(line.strip() for line in lines[at:end]) else None


def _in_fences(lines: list[str]) -> list[str]:
    code = [line.removeprefix(_INDENT) for line in lines[2:]]
    while not code[-1].strip():
        code.pop()
    # An icon font's "copy" button, which html2text renders as an empty emphasis.
    code[-1] = _COPY_BUTTON.sub("", code[-1])
    longest = max((len(run) for line in code for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *code, fence]


def _clean_lines(paragraph: str) -> str:
    lines = paragraph.split("\n")
    if not any(TABLE_RULE.match(line) for line in lines):
        lines = [_clean_line(line) for line in lines]
    kept: list[str] = []
    for line in map(str.rstrip, lines):
        # A quote's empty lines are paragraph breaks of its own: one at a stretch, none at an end.
        if line.strip("> ") or (kept and kept[-1].strip("> ")):
            kept.append(line)
    if kept and not kept[-1].strip("> "):
        kept.pop()
    return "\n".join(kept)


def _clean_line(line: str) -> str:
    if _VERBATIM.match(line):
        return line
    # html2text leaves one space before an emphasis that opens a paragraph.
    line = line[1:] if line[:1] == " " and line[1:2].strip() else line
    return _INLINE.sub(_clean_inline, line.rstrip())


def _clean_inline(match: re.Match[str]) -> str:
    part = match.groupdict()
    if part["keep"] is not None:
        return match[0]
    if part["alt"] is not None:
        return _words(part["alt"])
    if part["linked_alt"] is not None:
        return _link(_words(part["linked_alt"]), part["linked"] or "")
    if part["text"] is not None:
        return _link(part["text"], part["link"] or "")
    return part["escaped"] or part["dot"] or " "


def _words(alt: str) -> str:
    return "" if _ALT_IS_A_NAME.fullmatch(alt.strip()) else alt.strip()


def _link(text: str, target: str) -> str:
    if not text.strip():
        return ""
    return f"[{text}]({untracked(target)})"
