"""Invented documents: nobody of these names exists."""

from twin_assets.cleaning import clean
from twin_assets.documents import Category, CleanedDocument, Quarantined, RawDocument

LINK = "https://sample-site.example.com/p/queues"


def document(
    text: str,
    category: Category = Category.ARTICLE,
    *,
    title: str = "On queues",
    subtitle: str | None = None,
    link: str = LINK,
    path: str | None = None,
) -> RawDocument:
    """Return a document by the sample author."""
    return RawDocument(
        author="sample-writer",
        platform="sample",
        category=category,
        link=link,
        title=title,
        text=text,
        subtitle=subtitle,
        path=path,
    )


def cleaned(
    text: str,
    category: Category = Category.ARTICLE,
    *,
    title: str = "On queues",
    link: str = LINK,
    path: str | None = None,
) -> CleanedDocument:
    """Return the document cleaned; it must not be quarantined."""
    result = clean(document(text, category, title=title, link=link, path=path))
    assert isinstance(result, CleanedDocument), result
    return result


def reason(text: str, category: Category = Category.ARTICLE, path: str | None = None) -> str:
    """Return why the document is quarantined; it must be."""
    result = clean(document(text, category, path=path))
    assert isinstance(result, Quarantined), result
    return result.reason
