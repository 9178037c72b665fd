"""A repository's files: code byte for byte, documentation with its text repaired."""

from pathlib import PurePosixPath

from twin_assets.cleaning.markdown import segments
from twin_assets.cleaning.text import normalize_lines, one_line, repair_prose, settle, tidy_lines
from twin_assets.documents import RawDocument

_DOCUMENTATION = {".md", ".markdown", ".mdx", ".rst", ".txt"}


def clean_repository_file(raw: RawDocument) -> tuple[str, str]:
    """Return the file's title, its path where it has none, and its text."""
    title = one_line(raw.title) or raw.path or raw.link
    if PurePosixPath(raw.path or raw.link).suffix.lower() in _DOCUMENTATION:
        return title, settle(_tidy, raw.text)
    return title, normalize_lines(raw.text).strip()


def _tidy(text: str) -> str:
    parts = [
        segment.text if segment.code else tidy_lines(repair_prose(segment.text))
        for segment in segments(text)
    ]
    return "\n".join(parts).strip()
