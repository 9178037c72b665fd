"""Lines that html2text broke at its column limit, joined again.

A break is the converter's own only when the next word would not have fitted on the line. Every
other line end was the author's, or another crawler's, and stays. Joined lines are longer than the
limit, so that joining again changes nothing.
"""

import re
from itertools import pairwise

_WIDTH = 78  # html2text's default body width
_INDENT = "    "
_QUOTE = re.compile(r"(?:[ ]{0,3}>[ ]?)*+")
# Up to its first hyphen between letters: the converter breaks there too.
_FIRST_WORD = re.compile(r"\s*(\S*?\w[^\W\d]-(?=\w[^\W\d])|\S+)")
_OPENS_A_LINE = re.compile(
    r"\s*(?:[-*+•→↳·] |\d{1,3}(?:[.)] |\\)|#{1,6} |\||```|~~~)|\s{4}|\t|\s*$"
)
_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}$")
_SPLIT_AT_HYPHEN = re.compile(r"[^\W\d]-$")
_DANGLING = {"and", "or", "nor", "to"}  # "pre- and post-": the hyphen ends a word of its own

TABLE_RULE = re.compile(r"(?=[^|]*+\|)[\s|:]*+-{3}[\s|:-]*+$")


def unwrap(paragraph: str) -> str:
    """Return the paragraph with lines joined that were broken only for their width."""
    lines = paragraph.split("\n")
    if any(TABLE_RULE.match(line) for line in lines):
        return paragraph
    parts = [lines[0].rstrip()]
    for before, line in pairwise(lines):
        parts.append(_joint(before, line))
        parts.append(line.rstrip() if parts[-1].endswith("\n") else _rest(line).strip())
    return "".join(parts)


def _joint(before: str, line: str) -> str:
    """Return what stands between two lines: nothing, a space, a line end or an empty line."""
    if not _looks_broken(before.rstrip(), line):
        return "\n"
    if before.endswith("  "):
        # The author's own line break. It falls where a broken line would end, and once its two
        # trailing spaces are gone only an empty line tells it from one.
        return f"\n{_quote(before).rstrip()}\n"
    first = re.split(r"\W", _rest(line).lstrip(), maxsplit=1)[0]
    if _SPLIT_AT_HYPHEN.search(before) and first and first not in _DANGLING:
        return ""
    return " "


def _looks_broken(before: str, line: str) -> bool:
    quote = _quote(before)
    rest, next_rest = before[len(quote) :], _rest(line)
    if quote.replace(" ", "") != _quote(line).replace(" ", ""):
        return False
    if not rest.strip() or _RULE.match(rest) or rest.startswith((_INDENT, "\t")):
        return False
    if _OPENS_A_LINE.match(next_rest) or _RULE.match(next_rest):
        return False
    word = _FIRST_WORD.match(next_rest)
    return len(before) <= _WIDTH < len(before) + 1 + len(word[1] if word else "")


def _quote(line: str) -> str:
    match = _QUOTE.match(line)
    return match[0] if match else ""


def _rest(line: str) -> str:
    return line[len(_quote(line)) :]
