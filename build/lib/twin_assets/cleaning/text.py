"""Repairs that any text needs, whatever it is: encoding, white space, invisible characters."""

import re
import unicodedata
from collections.abc import Callable

from ftfy import TextFixerConfig, fix_text
from ftfy.fixes import fix_surrogates

# Mojibake goes; typography stays as the author set it. HTML entities are left alone: the crawlers
# have decoded the page's own, and decoding again would change "&amp;amp;" at every cleaning.
_REPAIRS = TextFixerConfig(
    unescape_html=False,
    uncurl_quotes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    normalization="NFC",
    explain=False,
)

_SPACES = [0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F]
_LINE_ENDS = [0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029]
# Soft hyphens, zero-width spaces and joiners of words, bidirectional overrides, annotations, tags.
# The zero-width joiner and non-joiner stay: emoji and several scripts are spelled with them.
_INVISIBLE = [
    *(0xAD, 0x180E, 0x200B, 0xFEFF, 0xFFFE, 0xFFFF),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
]
_CONTROLS = [code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"]
# Bold and italic "letters" of the mathematical block, and those that stand elsewhere for history's
# sake: writers use them as decoration, and an embedding model reads none of them.
_STYLED = [*range(0x1D400, 0x1D800), *map(ord, "ℎℬℰℱℋℐℒℳℛℯℊℴℭℌℑℜℨ")]

_NO_CONTROLS = dict.fromkeys(_CONTROLS)
_READABLE: dict[int, str | None] = {
    **dict.fromkeys(_CONTROLS + _INVISIBLE),
    **dict.fromkeys(_LINE_ENDS, "\n"),
    **dict.fromkeys(_SPACES, " "),
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in _STYLED},
}
_NOTHING = {"", "none", "null", "nan", "undefined", "untitled"}
_MOST_ROUNDS = 8


def settle(step: Callable[[str], str], text: str) -> str:
    """Return ``step`` applied until the text stays the same, so that cleaning again is no change.

    One repair can uncover another's case (a zero-width space inside a code fence's mark). Two
    rounds do for nearly every text; the limit keeps a hostile one from costing more than linear.
    """
    for _ in range(_MOST_ROUNDS):
        done = step(text)
        if done == text:
            break
        text = done
    return text


def normalize_lines(text: str) -> str:
    r"""Return the text with ``\n`` line ends, no byte order mark and no lone surrogate."""
    text = fix_surrogates(text).lstrip("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def repair_prose(text: str) -> str:
    """Return prose with its encoding repaired and nothing in it that no reader can see."""
    repaired = "\n".join(map(_repair_line, text.split("\n"))).translate(_READABLE)
    return unicodedata.normalize("NFC", repaired)


def _repair_line(line: str) -> str:
    # Plain ASCII has nothing to repair but a terminal's colours, and ftfy takes its time.
    return line if line.isascii() and "\x1b" not in line else fix_text(line, _REPAIRS)


def repair_code(text: str) -> str:
    """Return code as it is, without control characters."""
    return text.translate(_NO_CONTROLS)


def tidy_lines(text: str) -> str:
    """Return the text without trailing spaces and with at most one empty line at a stretch."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)


def one_line(text: str | None) -> str | None:
    """Return a title or subtitle on one line, or None where it says nothing ("None", "null")."""
    line = " ".join(repair_prose(fix_surrogates(text or "")).split())
    return None if line.casefold() in _NOTHING else line


def excerpt(text: str, length: int = 80) -> str:
    """Return the beginning of the first line, cut between words."""
    line = text.lstrip().partition("\n")[0].strip("#>*_ ")
    if len(line) <= length:
        return line
    return (line[:length].rpartition(" ")[0] or line[:length]) + "…"


def visible(text: str) -> int:
    """Return how many characters are not white space."""
    return sum(map(len, text.split()))
