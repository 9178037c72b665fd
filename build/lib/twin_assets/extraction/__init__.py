"""From a web page's HTML to a document in Markdown."""

from twin_assets.extraction.markdown import to_markdown
from twin_assets.extraction.page import Page, extract_page

__all__ = ["Page", "extract_page", "to_markdown"]
