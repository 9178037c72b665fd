"""What a person should look at: documents, chunks and shifts, judged without Dagster."""

import numpy as np
import pytest
from builders import chunk_of, cleaned_document, unit_vectors

from twin_assets.documents import Category, CleanedDocument
from twin_assets.quality import (
    chunks_have_length,
    documents_are_english,
    documents_differ,
    documents_say_something,
    mean_shift,
    shift_is_small,
)

BREAD = (
    "Rye dough wants a sour starter, because the acid keeps its starch from breaking down. In the "
    "first hour it does not rise at all, and then it does so at once; so the baker who has made "
    "wheat bread all of her life is advised to wait, and to look at the dough and not at the clock."
)
RADIO = (
    "A wire of half a wavelength has its least impedance in the middle, which is where it is fed. "
    "In the summer it hangs between the two birches, and when there is ice on it we take it down, "
    "as the poles are not made for what that weighs and have been broken once before."
)
FOREIGN = {
    "german": "Der Sauerteig braucht eine warme Nacht, denn die Säure bewahrt die Stärke davor, "
    "dass sie zerfällt. Wer ihn im Winter ansetzt, stellt ihn in die Nähe des Ofens.",
    "dutch": "Het zuurdesem heeft een warme nacht nodig, want het zuur houdt het zetmeel heel. In "
    "de winter zet je het in de buurt van de oven, en je dekt het af met een doek.",
    "french": "Le levain a besoin d'une nuit au chaud, car l'acidité empêche l'amidon de se "
    "défaire. En hiver on le place près du four, on le couvre d'un linge et on attend.",
    "greek": "Το προζύμι θέλει μια ζεστή νύχτα, γιατί η οξύτητα κρατά το άμυλο. Τον χειμώνα το "
    "βάζουμε κοντά στον φούρνο και το σκεπάζουμε με μια πετσέτα ώσπου να διπλασιαστεί.",
    "japanese": "ライ麦の生地には酸味のある種が必要です。酸がでんぷんを守るからです。",
}


def article(text: str, name: str = "a", **fields: object) -> CleanedDocument:
    return cleaned_document(text, link=f"https://example.com/{name}", **fields)


def test_documents_that_differ():
    verdict = documents_differ([article(BREAD), article(RADIO, "b"), article(BREAD[:120], "c")])
    assert verdict.passed
    assert verdict.numbers == {"documents": 3, "repeated": 0}


@pytest.mark.parametrize(
    "again",
    [
        BREAD,
        BREAD.upper().replace(",", " -"),
        BREAD + " Thank you.",
        BREAD.replace("first hour", "first two hours"),
    ],
)
def test_a_document_that_repeats_another_is_named(again):
    verdict = documents_differ([article(BREAD), article(RADIO, "b"), article(again, "c")])
    assert not verdict.passed
    assert verdict.numbers["repeated"] == 1
    assert len(verdict.examples) == 1
    assert verdict.examples[0].endswith(("/a", "/c"))


def test_files_of_a_repository_may_repeat_one_another_and_are_no_language():
    files = [article("x = 1\n" * 30, str(n), category=Category.REPOSITORY) for n in range(3)]
    assert documents_differ(files).passed
    assert documents_are_english(files).passed
    assert documents_say_something(files).passed


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_another_language_is_noticed(text):
    verdict = documents_are_english([article(BREAD), article(f"{text} {text}", "b")])
    assert not verdict.passed
    assert verdict.examples == ("https://example.com/b",)


@pytest.mark.parametrize("text", [BREAD, RADIO, "Kurz.", "", f"{BREAD}\n\n{'x = f(y)  ' * 20}"])
def test_english_passes_and_so_does_what_is_too_short_to_tell(text):
    assert documents_are_english([article(text)]).passed


def test_articles_of_a_few_words_and_of_boilerplate_are_named():
    rest = [article(f"{BREAD} {number}", f"rest-{number}") for number in range(2)]
    line = (
        "Subscribe to our newsletter to get more of what our bakers write every week of the year."
    )
    ends = [article(f"{text}\n{line}", f"ends-{n}") for n, text in enumerate((BREAD, RADIO, RADIO))]
    only = article(f"{line}\nOne more loaf for all.", "only")
    empty = article("Read more.", "empty")
    verdict = documents_say_something([*rest, *ends, only, empty])
    assert not verdict.passed
    assert set(verdict.examples) == {only.link, empty.link}
    assert (verdict.numbers["short"], verdict.numbers["boilerplate"]) == (1, 1)
    post = article("Read more.", "post", category=Category.POST)
    assert documents_say_something([*rest, *ends, post]).passed


def test_fragments_among_the_chunks():
    document = article(BREAD)
    long = [chunk_of(document, 0, 9, tokens=100) for _ in range(18)]
    short = [chunk_of(document, 0, 9, tokens=3) for _ in range(4)]
    assert chunks_have_length([*long, *short[:2]]).passed
    verdict = chunks_have_length([*long, *short])
    assert not verdict.passed
    assert verdict.numbers["fragments"] == 4
    assert verdict.numbers["tokens_median"] == 100
    assert chunks_have_length([]).passed
    assert chunks_have_length(short[:1]).passed  # a short post is one


def test_a_shift_of_the_mean():
    before = unit_vectors(400, seed=1) + np.float32(0.5)
    assert mean_shift(before, before) == pytest.approx(0, abs=1e-6)
    assert mean_shift(before, -before) == pytest.approx(2, abs=1e-6)
    assert mean_shift(before, before[:300]) < 0.01
    assert mean_shift(before[:0], before) == mean_shift(before, before[:0]) == 0


@pytest.mark.parametrize(
    ("shift", "before", "now", "passed"),
    [
        (0.0, 0, 10, True),
        (0.9, 0, 10, True),
        (0.01, 10, 12, True),
        (0.2, 10, 12, False),
        (0.0, 10, 4, False),
        (0.0, 10, 0, False),
    ],
)
def test_what_shift_is_small(shift, before, now, passed):
    assert shift_is_small(shift, before, now).passed is passed
