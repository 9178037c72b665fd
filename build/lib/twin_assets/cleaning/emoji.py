"""Emoji out of plain text, those that mark a list's items turned into Markdown's own marks.

An embedding model of English knows few of them: a word that an emoji touches is as unknown to it
as the emoji is.
"""

import regex

# A picture with its colour, sex and companions; a flag; a keycap. Signs that are text unless they
# are asked to be pictures (©, ™, →) stay.
_EMOJI = regex.compile(
    r"(?:\p{RI}\p{RI}|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F)\p{EMod}?"
    r"(?:\u200D\p{Extended_Pictographic}\uFE0F?\p{EMod}?)*+)[\uFE0F\u200D\p{EMod}]*+"
)
_KEYCAP = regex.compile(r"([0-9])\uFE0F?\u20E3[ \t]*+|[#*]\uFE0F?\u20E3")
_YES_OR_NO = "✅✔☑❌✖✓✗✘"
_ITEM = regex.compile(
    rf"^(?P<space>[ \t]*+)(?![{_YES_OR_NO}])(?:{_EMOJI.pattern}|[•●▪‣◆■▶►➡➤➔→][\uFE0E\uFE0F]?)"
    rf"(?:{_EMOJI.pattern}|[ \t])*+(?=\S)",
    regex.MULTILINE,
)
# A check and a cross say yes and no, and stay; at a line's start they open an item as well.
_JUDGED = regex.compile(rf"^(?P<space>[ \t]*+)(?=[{_YES_OR_NO}])", regex.MULTILINE)
_NOISE = rf"(?![{_YES_OR_NO}]){_EMOJI.pattern}"
# From the first of a run of spaces on, so that a run without emoji is read once.
_BETWEEN = regex.compile(rf"(?<![ \t])[ \t]*+{_NOISE}(?:[ \t]*+{_NOISE})*+[ \t]*+")


def without_emoji(text: str) -> str:
    """Return the text without emoji; a line that opens with one, or with a bullet, is an item."""
    text = _KEYCAP.sub(lambda match: f"{match[1]}. " if match[1] else "", text)
    items = _JUDGED.sub(r"\g<space>- ", _ITEM.sub(r"\g<space>- ", text))
    return _BETWEEN.sub(_space, items)


def _space(match: "regex.Match[str]") -> str:
    start, end = match.span()
    before, after = match.string[start - 1 : start], match.string[end : end + 1]
    inside = before.strip() and after.strip() and after not in ".,;:!?)"
    return " " if inside else ""
