"""Questions that a corpus asks of itself: a heading's or title's document is the right answer.

Known-item search needs no judge. It is easier than what people ask, for the words are the author's
own; what it is good for is telling when retrieval has become worse.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from twin_assets.cleaning.markdown import parse
from twin_assets.documents import Category, CleanedDocument
from twin_serving.answering.sentences import without_markup
from twin_serving.evaluation import Question

_MOST = 100
_FEWEST_WORDS = 4
_FEWEST_LETTERS = 15  # in fewer words, and in scripts without spaces

# What headings say whatever the document is about; those that are too short anyway are not here.
_GENERIC = {
    "about the authors",
    "about this article",
    "acknowledgements",
    "acknowledgments",
    "conclusion and next steps",
    "conclusions and future work",
    "frequently asked questions",
    "frequently asked questions faq",
    "how does it work",
    "how to get started",
    "implementation details",
    "introduction and motivation",
    "let s get started",
    "putting everything together",
    "putting it all together",
    "recommended reading",
    "references and further reading",
    "summary and conclusion",
    "summary and conclusions",
    "table of contents",
    "thank you for reading",
    "thanks for reading",
    "what you will learn",
    "where to go from here",
    "where to go next",
}


def known_items(documents: Sequence[CleanedDocument]) -> list[Question]:
    """Return at most 100 questions, taken evenly over all the documents have; always the same ones.

    A heading that is short, that says nothing of its document ("Table of contents"), or that stands
    in several documents has no one right answer, and is left out. Headings are those of articles;
    elsewhere a line with a number sign is as often a comment.
    """
    ordered = sorted(documents, key=lambda document: (document.author, document.link))
    documents_with: dict[str, set[str]] = defaultdict(set)
    questions: dict[str, Question] = {}
    for document in ordered:
        for line in _lines(document):
            key = _words(line)
            documents_with[key].add(document.document_id)
            questions.setdefault(key, Question(line, {document.document_id: 1}))
    kept = [
        question
        for key, question in questions.items()
        if _is_telling(key) and len(documents_with[key]) == 1
    ]
    places = np.linspace(0, len(kept) - 1, min(_MOST, len(kept))).astype(int)
    return [kept[place] for place in places]


def _lines(document: CleanedDocument) -> Iterator[str]:
    yield document.title
    if document.category is Category.ARTICLE:
        blocks = parse(document.text)
        yield from (without_markup(block.plain) for block in blocks if block.level)


def _words(line: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", line.casefold()))


def _is_telling(words: str) -> bool:
    long_enough = (
        len(words.split()) >= _FEWEST_WORDS or len(words.replace(" ", "")) >= _FEWEST_LETTERS
    )
    return long_enough and words not in _GENERIC
