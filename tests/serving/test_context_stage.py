"""The context stage: what fits, joined where it touches, none twice, within the budget."""

from builders import chunk_of, cleaned_document
from hypothesis import given
from hypothesis import strategies as st
from retrieving import candidate

from twin_serving.retrieval import Candidate
from twin_serving.retrieval.context import select_context
from twin_serving.retrieval.fitting import Fit

FIT = Fit(minimum_similarity=0.3)
TEXT = "First part. Second part. Third part.\n\nFourth part."


def part_of(start: int, end: int, similarity: float, text: str = TEXT) -> Candidate:
    document = cleaned_document(text)
    chunk = chunk_of(document, start, end)
    return Candidate(
        chunk.chunk_id, document, start, end, chunk.text, 10, similarity, 1.0, similarity
    )


FIRST, SECOND = part_of(0, 11, 0.9), part_of(12, 24, 0.8)
THIRD, FOURTH = part_of(25, 36, 0.7), part_of(38, 50, 0.6)


def test_what_fits_is_kept_and_what_was_left_out_is_said():
    candidates = [
        candidate("one", 0.9),
        candidate("two, too long", 0.8, tokens=500),
        candidate("three", 0.1),
        candidate("four", 0.7),
        candidate("five", 0.6),
    ]
    passages, numbers = select_context(candidates, 2, FIT, 100)
    assert [(p.n, p.candidate.text) for p in passages] == [(1, "one"), (2, "four")]
    left_out = {"unfitting": 1, "duplicate": 0, "over_budget": 1, "beyond_top": 1}
    assert numbers == {"tokens": 20, "merged": 0, **left_out}


def test_chunks_that_touch_are_one_passage_under_the_number_of_the_first():
    passages, numbers = select_context([SECOND, candidate("else", 0.75), FIRST], 3, FIT, 100)
    assert [p.n for p in passages] == [1, 2]
    joined = passages[0]
    assert joined.candidate.text == "First part. Second part."
    assert (joined.candidate.start, joined.candidate.end) == (0, 24)
    assert joined.candidate.chunk_id == SECOND.chunk_id
    assert joined.chunk_ids == (SECOND.chunk_id, FIRST.chunk_id)
    assert joined.candidate.tokens == 20
    assert (numbers["merged"], numbers["tokens"]) == (1, 30)


def test_a_chunk_that_joins_two_passages_makes_them_one_and_other_numbers_stay():
    order = [FIRST, THIRD, candidate("else"), SECOND, candidate("more")]
    passages, numbers = select_context(order, 9, FIT, 100)
    assert [p.n for p in passages] == [1, 3, 4]
    assert passages[0].candidate.text == "First part. Second part. Third part."
    assert passages[0].candidate.tokens == 30
    assert passages[0].chunk_ids == (FIRST.chunk_id, THIRD.chunk_id, SECOND.chunk_id)
    assert (numbers["merged"], numbers["tokens"]) == (2, 50)
    (_, *rest), left = select_context(order, 4, FIT, 100)
    assert [p.n for p in rest] == [3]
    assert left["beyond_top"] == 1


def test_chunks_of_a_document_with_others_between_them_stay_apart():
    passages, _ = select_context([FIRST, THIRD], 3, FIT, 100)
    assert [p.candidate.text for p in passages] == ["First part.", "Third part."]


def test_blank_lines_between_are_nothing_and_overlapping_is_touching():
    overlap = part_of(19, 36, 0.5)
    passages, _ = select_context([THIRD, FOURTH, overlap], 3, FIT, 100)
    assert [p.candidate.text for p in passages] == ["part. Third part.\n\nFourth part."]


def test_the_same_words_are_given_once():
    copy = candidate("The  same words.\n", 0.8, link="https://example.com/copy")
    passages, numbers = select_context([candidate("The same words.", 0.9), copy], 3, FIT, 100)
    assert len(passages) == 1
    assert numbers["duplicate"] == 1


def test_a_joined_chunk_counts_towards_top():
    passages, numbers = select_context([FIRST, SECOND, THIRD, FOURTH], 2, FIT, 100)
    assert [p.candidate.text for p in passages] == ["First part. Second part."]
    assert numbers["beyond_top"] == 2


@given(st.permutations([FIRST, SECOND, THIRD, FOURTH, candidate("a"), candidate("b")]))
def test_what_is_added_later_changes_no_number(order: list[Candidate]):
    """A number stays its chunk's, or becomes that of the earlier passage it was joined to."""
    before: dict[str, int] = {}
    for top in range(1, 7):
        passages, _ = select_context(order, top, Fit(0.0), 100)
        numbers = {chunk_id: p.n for p in passages for chunk_id in p.chunk_ids}
        assert len(numbers) == top
        assert [p.n for p in passages] == sorted({p.n for p in passages})
        assert numbers[order[0].chunk_id] == 1
        moved = {(n, numbers[chunk]) for chunk, n in before.items() if numbers[chunk] != n}
        assert all(later < n for n, later in moved)
        assert not {n for n, _ in moved} & set(numbers.values())
        before = numbers
