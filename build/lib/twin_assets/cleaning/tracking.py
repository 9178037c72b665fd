"""Links in plain text without the marks that follow a reader."""

import re

from twin_assets.links import untracked

_LINK = re.compile(r"https?://[^\s<>\"']++")
_AFTER = ".,;:!?)]}…"


def without_tracking(text: str) -> str:
    """Return the text, its links without tracking parameters; nothing else of them changes."""
    return _LINK.sub(_tidied, text)


def _tidied(match: re.Match[str]) -> str:
    link = match[0].rstrip(_AFTER)
    return untracked(link) + match[0][len(link) :]
