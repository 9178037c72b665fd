"""Pages that a crawler stored as bare text, the line breaks of their markup lost.

Words of neighbouring elements stand glued together ("...in real time.Why a queue?"), and so do the
words of Medium's interface round the story.
"""

import re

_HEAD_WITHIN = 3000
_HEAD = re.compile(r"Open in app.{0,1500}? min read·.{0,60}?Share")
_TAIL_MARKS = (
    "Sign up to discover human stories that deepen your understanding of the world.",
    "FollowWritten by",
)
_FOOTER = "HelpStatusAbout"

_LONG_LINE = 1000
_GLUED = re.compile(
    r"(?<=[a-z)\]”][.!?…])(?=(?:[A-Z][a-z]*+|[A-Z]++)[ ,’:—]|[→🔗“])"  # a new sentence, no code
)
_GLUED_AT_LEAST = 5  # fewer in a long line are likelier names ("Node.Js") than lost line breaks


def restore_breaks(text: str) -> str:
    """Return the text without Medium's interface, its glued paragraphs apart again."""
    head = _HEAD.search(text, 0, _HEAD_WITHIN)
    text = text[head.end() :] if head else text
    ends = [at for at in map(text.find, _TAIL_MARKS) if at >= 0]
    if ends and text.find(_FOOTER, min(ends)) >= 0:
        text = text[: min(ends)]
    return "\n".join(map(_split, text.split("\n")))


def _split(line: str) -> str:
    if len(line) < _LONG_LINE:
        return line
    paragraphs = _GLUED.split(line)
    return "\n\n".join(paragraphs) if len(paragraphs) > _GLUED_AT_LEAST else line
