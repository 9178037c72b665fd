"""Which judged questions join the set, and what counts as their right documents."""

from builders import cleaned_document

from twin_serving.audit import AuditEntry, Feedback
from twin_serving.evaluation import Question
from twin_serving.evaluation.confirmed import confirmed_items

RYE = cleaned_document("Rye.", link="https://example.com/rye")
WHEAT = cleaned_document("Wheat.", link="https://example.com/wheat")
BOB = cleaned_document("Bob.", author="bob", link="https://example.com/bob")
SERVED = [RYE, WHEAT, BOB]


def judged(question: str, feedback: Feedback | None, **more) -> AuditEntry:
    return AuditEntry(
        "id", "2026-05-01T00:00:00.000+00:00", "page", question, **more, feedback=feedback
    )


def right(question: Question) -> set[str]:
    return set(question.grades)


def test_what_a_praised_answer_cites_is_right():
    cited = (RYE.document_id, WHEAT.document_id, "gone since")
    (question,) = confirmed_items(
        [judged("Why rye?", Feedback("up"), author="ada", cited=cited)], SERVED
    )
    assert (question.text, question.author) == ("Why rye?", "ada")
    assert right(question) == {RYE.document_id, WHEAT.document_id}


def test_the_source_that_was_named_is_right_whatever_was_cited():
    entry = judged(
        "Why rye?", Feedback("down", source=BOB.link), author="ada", cited=(RYE.document_id,)
    )
    (question,) = confirmed_items([entry], SERVED)
    assert right(question) == {BOB.document_id}
    assert question.author is None  # it is not of the author that was searched


def test_what_says_nothing_of_the_right_document_is_left_out():
    cited = (RYE.document_id,)
    entries = [
        judged("a", None, cited=cited),
        judged("b", Feedback("down"), cited=cited),
        judged("c", Feedback("up")),
        judged("d", Feedback(comment="hm"), cited=cited),
        judged("e", Feedback("up"), cited=("gone since",)),
        judged("f", Feedback("up", source="https://example.com/gone"), cited=cited),
    ]
    assert confirmed_items(entries, SERVED) == []


def test_the_last_word_on_a_question_counts():
    praised = judged("Why rye?", Feedback("up"), cited=(RYE.document_id,))
    blamed = judged("why  RYE?", Feedback("down"), cited=(RYE.document_id,))
    mended = judged("Why rye?", Feedback("down", source=WHEAT.link))
    unjudged = judged("Why rye?", None)
    assert confirmed_items([blamed, praised], SERVED) == []
    (question,) = confirmed_items([unjudged, mended, praised, blamed], SERVED)
    assert right(question) == {WHEAT.document_id}


def test_a_follow_up_is_asked_as_it_stood_alone():
    entry = judged(
        "And wheat?", Feedback("up"), searched="Why does wheat rise?", cited=(WHEAT.document_id,)
    )
    (question,) = confirmed_items([entry], SERVED)
    assert question.text == "Why does wheat rise?"
