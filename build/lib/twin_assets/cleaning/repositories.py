"""A repository's files by language: code byte for byte, documentation with its text repaired."""

import re

from twin_assets.cleaning.docstrings import summary
from twin_assets.cleaning.markdown import segments
from twin_assets.cleaning.text import normalize_lines, one_line, repair_prose, settle, tidy_lines
from twin_assets.documents import RawDocument
from twin_assets.languages import DOCUMENTATION

_BLANK_HEAD = re.compile(r"\A(?:[^\S\n]*+\n)++")


def clean_repository_file(raw: RawDocument, language: str | None) -> tuple[str, str]:
    """Return the file's title and its text.

    The title is the given one, else the file's path; a path alone says little, so what the file's
    own docstring, first comment or heading says follows it.
    """
    name = raw.path or raw.link
    if language in DOCUMENTATION:
        text = settle(_tidy, raw.text)
    else:
        text = _BLANK_HEAD.sub("", normalize_lines(raw.text)).rstrip()
    title = one_line(raw.title)
    if title is not None and title != one_line(name):
        return title, text
    about = summary(text, language)
    return (f"{name}: {about}" if about else name), text


def _tidy(text: str) -> str:
    parts = [
        segment.text if segment.code else tidy_lines(repair_prose(segment.text))
        for segment in segments(text)
    ]
    return "\n".join(parts).strip()
