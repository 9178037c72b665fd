"""Questions that people asked and judged: what they say is the right document is the answer."""

from collections.abc import Iterable, Sequence

from twin_assets.documents import CleanedDocument
from twin_serving.audit import AuditEntry
from twin_serving.evaluation import Question


def confirmed_items(
    entries: Iterable[AuditEntry], documents: Sequence[CleanedDocument]
) -> list[Question]:
    """Return the questions whose right documents somebody has named, in the entries' order.

    The source that should have been cited is right; with a thumbs up, so is what the answer cites.
    A thumbs down alone says what is wrong, not what is right. A question that was judged more than
    once counts as it was judged last, and one whose documents are served no more not at all.

    Args:
        entries: of the audit trail, the newest first.
        documents: what is served.
    """
    author_of = {document.document_id: document.author for document in documents}
    linked: dict[str, list[str]] = {}
    for document in documents:
        linked.setdefault(document.link, []).append(document.document_id)
    questions: dict[str, Question | None] = {}
    for entry in entries:
        given = entry.feedback
        text = entry.searched or entry.question
        key = " ".join(text.casefold().split())
        if given is None or key in questions:
            continue
        right: Sequence[str] = ()
        if given.source:
            right = linked.get(given.source, ())
        elif given.vote == "up":
            right = [document_id for document_id in entry.cited if document_id in author_of]
        # a corrected source may be another author's than the one that was searched
        meant = entry.author if entry.author in {author_of[one] for one in right} else None
        questions[key] = Question(text, dict.fromkeys(right, 1), meant) if right else None
    return [question for question in questions.values() if question]
