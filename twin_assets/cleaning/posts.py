"""Posts: short plain text; hashtags and mentions stay as the author wrote them."""

import re

from twin_assets.cleaning.markdown import segments
from twin_assets.cleaning.text import excerpt, one_line, repair_prose, settle, tidy_lines
from twin_assets.documents import RawDocument

_SPACE_RUN = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


def clean_post(raw: RawDocument) -> tuple[str, str]:
    """Return the post's title, its first words where it has none, and its text."""
    text = settle(_tidy, raw.text)
    return one_line(raw.title) or excerpt(text), text


def _tidy(text: str) -> str:
    parts = [
        segment.text
        if segment.code
        else tidy_lines(_SPACE_RUN.sub(" ", repair_prose(segment.text)))
        for segment in segments(text)
    ]
    return "\n".join(parts).strip()
