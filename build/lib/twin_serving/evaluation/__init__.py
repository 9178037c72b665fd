"""How good the retrieval is: questions whose right documents are known, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass

DEPTH = 100  # candidates a question, but for what a user gets; recall@100 needs no more


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and how relevant the documents are to it.

    ``grades`` maps the ids of the judged documents to their grades; 0 and less is not relevant, as
    is every document that it does not name. ``author`` (a slug) is given where it is known.
    """

    text: str
    grades: Mapping[str, int]
    author: str | None = None
