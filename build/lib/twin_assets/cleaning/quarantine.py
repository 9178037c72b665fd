"""Why a document cannot be indexed, in words for the person who has to look at it."""

import re

from twin_assets.cleaning.text import normalize_lines, visible
from twin_assets.documents import Category

_MOST_CHARACTERS = 5_000_000
_FEWEST_VISIBLE = 20
_UNREADABLE_SHARE = 0.1
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1a\x7f\ufffd]+")

# Scripts without spaces still have punctuation, encoded data has none.
_UNBROKEN = re.compile(r"[^\s。，、．！？；：]{2000,}")
_UNBROKEN_SHARE = 0.5

_WALL_AT_MOST = 1000
_WALL_REST_AT_MOST = 60
_WALL = re.compile(
    r"(?:please )?(?:enable|turn on) javascript\b[^.\n]{0,80}"
    r"|[^.\n]{0,40}\brequires javascript\b[^.\n]{0,80}"
    r"|you need to (?:enable javascript|be logged in|sign in|log in)[^.\n]{0,80}"
    r"|checking your browser[^.\n]{0,80}"
    r"|verify(?:ing)? (?:that )?you are (?:a )?human[^.\n]{0,80}"
    r"|just a moment\b|too many requests|access (?:to this page )?(?:is |has been )?denied"
    r"|you don['’]t have permission[^.\n]{0,80}"
    r"|(?:sign|log) ?in (?:or (?:sign up|join|register) )?to (?:continue|read|view|see)[^.\n]{0,80}"
    r"|(?:sign|log) ?in\b|sign ?up\b|join now|create an account|forgot (?:your )?password\??"
    r"|already have an account\??"
    r"|this (?:post|story|article) is for (?:paid|paying|members)[^.\n]{0,80}"
    r"|\b(?:error )?(?:401|403|404|410|429|500|502|503|504)\b"
    r"|(?:page|file|resource) (?:was |could )?not (?:be )?found|not found|bad gateway"
    r"|forbidden|unauthorized|service unavailable|internal server error|gateway time-?out"
    r"|(?:the|this) page (?:you(?:['’]re| are) looking for )?(?:doesn['’]t exist|isn['’]t available"
    r"|is not available|does not exist|is unavailable)[^.\n]{0,80}"
    r"|something went wrong[^.\n]{0,60}|out of nothing, something|ray id:? ?\w{0,32}",
    re.IGNORECASE,
)


def reason_against(text: str, category: Category) -> str | None:
    """Return why the text as crawled is not worth cleaning, or None."""
    if len(text) > _MOST_CHARACTERS:
        return f"is longer than {_MOST_CHARACTERS:,} characters ({len(text):,})"
    if category is Category.REPOSITORY and "\0" in text:
        return "is a binary file"
    return _reason_against_words(normalize_lines(text), category)


def reason_against_cleaned(text: str, category: Category) -> str | None:
    """Return why the cleaned text is not worth indexing, or None."""
    characters = visible(text)
    if not characters:
        return "is empty once it is cleaned"
    if characters < _FEWEST_VISIBLE:
        return f"is too short: {characters} visible characters, at least {_FEWEST_VISIBLE} needed"
    if not any(character.isalnum() for character in text):
        return "holds no letter and no digit"
    unbroken = [len(run) for run in _UNBROKEN.findall(text)]
    if sum(unbroken) > _UNBROKEN_SHARE * characters:
        return f"is encoded data, not text: {max(unbroken):,} characters without a space"
    return _reason_against_words(text, category)


def _reason_against_words(text: str, category: Category) -> str | None:
    unreadable = sum(map(len, _UNREADABLE.findall(text)))
    if unreadable > _UNREADABLE_SHARE * visible(text):
        return "is mostly characters that could not be decoded"
    if category is Category.ARTICLE and _is_wall(text):
        return "is a login wall or an error page, not an article"
    return None


def _is_wall(text: str) -> bool:
    if len(text) > _WALL_AT_MOST or not _WALL.search(text):
        return False
    return visible(_WALL.sub("", text)) <= min(_WALL_REST_AT_MOST, visible(text) / 2)
