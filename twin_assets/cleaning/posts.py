"""Posts: plain text in which decoration stands for structure, put back into words."""

import re

from twin_assets.cleaning.emoji import without_emoji
from twin_assets.cleaning.markdown import segments
from twin_assets.cleaning.mentions import plain_mentions
from twin_assets.cleaning.text import excerpt, one_line, repair_prose, settle, tidy_lines
from twin_assets.cleaning.tracking import without_tracking
from twin_assets.documents import RawDocument

_SPACE_RUN = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


def clean_post(raw: RawDocument) -> tuple[str, str]:
    """Return the post's title, its first words where it has none, and its text."""
    text = settle(_tidy, raw.text)
    title = one_line(raw.title)
    return (one_line(_prose(title)) if title else None) or excerpt(text), text


def _tidy(text: str) -> str:
    parts = [
        segment.text if segment.code else tidy_lines(_prose(segment.text))
        for segment in segments(text)
    ]
    return "\n".join(parts).strip()


def _prose(text: str) -> str:
    words = without_tracking(plain_mentions(repair_prose(text)))
    return _SPACE_RUN.sub(" ", without_emoji(words))
