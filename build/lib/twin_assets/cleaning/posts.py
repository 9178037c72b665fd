"""Posts: plain text in which decoration stands for structure, put back into words."""

import re
import unicodedata

from twin_assets.cleaning.emoji import without_emoji
from twin_assets.cleaning.markdown import segments
from twin_assets.cleaning.mentions import plain_mentions
from twin_assets.cleaning.text import excerpt, one_line, repair_prose, settle, tidy_lines
from twin_assets.cleaning.tracking import without_tracking
from twin_assets.documents import RawDocument

# Full-width, circled and squared letters are decoration in a post, as are lines drawn under and
# through letters; elsewhere they may be a script's own.
_DECORATED = [
    *(*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)),
    *(*range(0x24B6, 0x24EA), *range(0x1F130, 0x1F14A)),
]
_PLAIN: dict[int, str | None] = {
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in _DECORATED},
    **dict.fromkeys([0x332, 0x333, 0x336]),
}
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
    words = without_tracking(plain_mentions(repair_prose(text).translate(_PLAIN)))
    return _SPACE_RUN.sub(" ", without_emoji(words))
