"""From a raw document to one worth indexing: repaired, boilerplate out, or set aside with a reason.

Cleaning is pure: the same document always gives the same result, and cleaning it again changes
nothing.
"""

from twin_assets.cleaning.articles import clean_article
from twin_assets.cleaning.posts import clean_post
from twin_assets.cleaning.quarantine import reason_against, reason_against_cleaned
from twin_assets.cleaning.repositories import clean_repository_file
from twin_assets.cleaning.text import excerpt, one_line
from twin_assets.documents import Category, CleanedDocument, Quarantined, RawDocument
from twin_assets.languages import language_of

__all__ = ["clean"]


def clean(raw: RawDocument) -> CleanedDocument | Quarantined:
    """Return the document cleaned for its category, or why it cannot be indexed."""
    reason = reason_against(raw.text, raw.category)
    if reason is not None:
        return _quarantined(raw, reason)
    language = raw.language
    match raw.category:
        case Category.ARTICLE:
            title, text = clean_article(raw)
        case Category.POST:
            title, text = clean_post(raw)
        case Category.REPOSITORY:
            language = language_of(raw.path or raw.link) or language
            title, text = clean_repository_file(raw, language)
    reason = reason_against_cleaned(text, raw.category)
    if reason is not None:
        return _quarantined(raw, reason)
    return CleanedDocument(
        document_id=raw.document_id,
        author=raw.author,
        platform=raw.platform,
        category=raw.category,
        link=raw.link,
        title=title,
        text=text,
        subtitle=one_line(raw.subtitle),
        language=language,
        published_at=raw.published_at,
        path=raw.path,
    )


def _quarantined(raw: RawDocument, reason: str) -> Quarantined:
    title = one_line(raw.title) or excerpt(raw.path or raw.link)
    return Quarantined(raw.document_id, raw.link, title, reason)
