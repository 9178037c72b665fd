"""What other extractors make of a page, as votes on its passages."""

import logging
from dataclasses import dataclass

from twin_assets.extraction.passages import words

# Their time grows faster than the page; one this long has text enough to be judged without them.
_LONGEST_HTML = 1_000_000
_UNDECIDED = 0.5


@dataclass(frozen=True, slots=True)
class Vote:
    """One extractor's text, to be asked how much of a passage it kept."""

    sequences: frozenset[tuple[str, ...]]

    @classmethod
    def on(cls, text: str) -> "Vote":
        """Return the vote that the text is."""
        found = words(text)
        spans = ((i, i + n) for n in range(1, 5) for i in range(len(found) - n + 1))
        return cls(frozenset(tuple(found[start:end]) for start, end in spans))

    def share(self, passage: list[str]) -> float:
        """Return the share of the passage that was kept, by its sequences of up to four words."""
        if not self.sequences:
            return _UNDECIDED  # nothing found at all says nothing about any passage
        length = min(4, len(passage))
        count = len(passage) - length + 1
        return sum(tuple(passage[i : i + length]) in self.sequences for i in range(count)) / count


def votes_on(html: str) -> tuple[Vote, Vote]:
    """Return trafilatura's and Resiliparse's votes on the page, in this order."""
    if len(html) > _LONGEST_HTML:
        return Vote.on(""), Vote.on("")
    return Vote.on(_by_trafilatura(html)), Vote.on(_by_resiliparse(html))


def _by_trafilatura(html: str) -> str:
    import trafilatura

    # It logs as an error what is no error here: a page without text.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return trafilatura.extract(html, include_comments=False) or ""


def _by_resiliparse(html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(
        html, main_content=True, alt_texts=False, comments=False, list_bullets=False
    )
