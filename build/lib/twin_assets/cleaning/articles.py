"""Articles: Markdown as crawlers store it, the site's navigation still round it."""

from functools import partial

from twin_assets.cleaning.flattened import restore_breaks
from twin_assets.cleaning.markdown import parse, render
from twin_assets.cleaning.navigation import strip_navigation
from twin_assets.cleaning.text import normalize_lines, settle
from twin_assets.cleaning.titles import article_title, without_title
from twin_assets.documents import RawDocument


def clean_article(raw: RawDocument) -> tuple[str, str]:
    """Return the article's title and its text: Markdown, without the title and the navigation."""
    text = settle(_own_words, normalize_lines(raw.text))
    title = article_title(raw, parse(text))
    return title, settle(partial(_below_title, title=title), text)


def _own_words(text: str) -> str:
    return render(strip_navigation(parse(restore_breaks(text))))


def _below_title(text: str, title: str) -> str:
    return render(without_title(strip_navigation(parse(restore_breaks(text))), title))
