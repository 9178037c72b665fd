import itertools

import pytest
from builders import cleaned_document
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import texts

from twin_assets import chunking
from twin_assets.chunking import chunk_document
from twin_assets.documents import Category, Chunk, CleanedDocument
from twin_assets.gate import chunks_cover_text
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.settings import PACKAGED_MODEL, TwinSettings, load_settings

TOKENIZER = load_tokenizer(find_model(PACKAGED_MODEL).path)
DEFAULTS = load_settings(_env_file=None)
# Small chunks, so that short texts have many; a word has 100 tokens at most and is never cut.
SMALL = load_settings(
    article_chunk_characters=200,
    post_chunk_tokens=104,
    post_chunk_overlap=16,
    repository_chunk_tokens=64,
    repository_chunk_overlap=12,
    _env_file=None,
)
SENTENCE = "The quick brown fox jumps over the lazy dog. "


def chunks_of(document: CleanedDocument, settings: TwinSettings = SMALL) -> list[Chunk]:
    return chunk_document(document, TOKENIZER, settings)


def count(text: str) -> int:
    return len(TOKENIZER.encode(text, add_special_tokens=False))


def assert_exact_and_complete(document: CleanedDocument, chunks: list[Chunk]) -> None:
    covered = set[int]()
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip()
        covered.update(range(chunk.start, chunk.end))
    lost = {at for at, c in enumerate(document.text) if not c.isspace()} - covered
    assert not lost
    assert chunks_cover_text([document], chunks).passed
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)


@hypothesis_settings(max_examples=120, deadline=None)
@given(texts)
def test_article_chunks_hold_everything_once_and_no_tail_is_tiny(text: str) -> None:
    document = cleaned_document(text)
    chunks = chunks_of(document)
    assert_exact_and_complete(document, chunks)
    assert all(len(chunk.text) <= 200 for chunk in chunks)
    for one, other in itertools.pairwise(chunks):
        assert one.end <= other.start
        assert other.start - one.start >= 100
        assert len(text.rstrip()) - one.end >= 100


@hypothesis_settings(max_examples=120, deadline=None)
@given(texts)
def test_post_chunks_hold_everything_and_their_tokens_are_counted_right(text: str) -> None:
    document = cleaned_document(text, category=Category.POST)
    chunks = chunks_of(document)
    assert_exact_and_complete(document, chunks)
    for chunk in chunks:
        assert chunk.tokens == count(chunk.text) <= 104
    for one, other in itertools.pairwise(chunks):
        assert one.start < other.start <= other.end
        assert one.end < other.end


@hypothesis_settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from(["a.py", "README.md", "a.xyz", "Makefile", "a.tex", "a.HTML"]))
def test_repository_chunks_hold_everything_and_stay_small(text: str, path: str) -> None:
    document = cleaned_document(text, category=Category.REPOSITORY, path=path)
    chunks = chunks_of(document)
    assert_exact_and_complete(document, chunks)
    assert all(count(chunk.text) <= 64 for chunk in chunks)


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("text", ["", " \n\t\u2028"])
def test_a_blank_text_has_no_chunk(category: Category, text: str) -> None:
    assert chunks_of(cleaned_document(text, category=category)) == []


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("text", ["\u200b", " \u0301 ", "\ufe0f\x00"])
def test_a_text_without_tokens_is_still_a_chunk(category: Category, text: str) -> None:
    (chunk,) = chunks_of(cleaned_document(text, category=category))
    assert (chunk.text.strip(), chunk.tokens) == (text.strip(), 0)


@pytest.mark.parametrize("category", Category)
def test_a_short_text_is_one_chunk_that_carries_its_document(category: Category) -> None:
    document = cleaned_document(f"\n\n  {SENTENCE}\n", category=category, author="bob")
    (chunk,) = chunks_of(document, DEFAULTS)
    assert chunk.text.strip() == SENTENCE.strip()
    assert (chunk.author, chunk.category, chunk.document_id) == (
        "bob",
        category,
        document.document_id,
    )


def test_articles_are_cut_where_it_hurts_least() -> None:
    paragraph = SENTENCE * 3
    text = f"{paragraph}\n\n# Heading\n\n{paragraph}\n\n{paragraph}"
    first, second, third = chunks_of(cleaned_document(text))
    assert first.text == paragraph.strip()
    assert second.text == f"# Heading\n\n{paragraph.strip()}"
    assert third.text == paragraph.strip()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("One more. " * 60, "more."),  # sentences
        ("He said “so.” " * 60, "“so.”"),  # a mark after the full stop
        ("長い文です。 " * 60, "。"),
        ("one line\n" * 60, "line"),
        ("word " * 100, "word"),
    ],
)
def test_articles_without_paragraphs_are_cut_at_the_next_best_bound(text: str, end: str) -> None:
    chunks = chunks_of(cleaned_document(text))
    assert len(chunks) > 1
    assert all(chunk.text.endswith(end) for chunk in chunks)


def test_a_word_longer_than_a_chunk_is_cut_and_kept() -> None:
    chunks = chunks_of(cleaned_document("a" * 450))
    assert "".join(chunk.text for chunk in chunks) == "a" * 450


def test_article_chunks_have_the_length_that_the_settings_name() -> None:
    chunks = chunks_of(cleaned_document(SENTENCE * 400), DEFAULTS)
    assert all(1000 <= len(chunk.text) <= 2000 for chunk in chunks)


def test_posts_overlap_by_the_tokens_that_the_settings_name() -> None:
    document = cleaned_document("word " * 500, category=Category.POST)
    chunks = chunks_of(document, DEFAULTS)
    assert [chunk.tokens <= 250 for chunk in chunks] == [True] * 3
    assert max(chunk.tokens for chunk in chunks) - min(chunk.tokens for chunk in chunks) < 3
    for one, other in itertools.pairwise(chunks):
        assert count(document.text[other.start : one.end]) == 25


def test_python_files_are_cut_before_functions_and_overlap_whole_lines() -> None:
    function = "def {0}():\n    first = {0}\n    return first + 1\n"
    text = "\n".join(function.format(f"name{number}") for number in range(12))
    document = cleaned_document(text, category=Category.REPOSITORY, path="src/a.py")
    chunks = chunks_of(document)
    assert len(chunks) > 3
    for one, other in itertools.pairwise(chunks):
        assert text[one.end :].lstrip("\n").startswith("def ")
        assert other.start == 0 or text[other.start - 1] == "\n"
        assert 0 < count(text[other.start : one.end]) <= 12


def test_indentation_at_a_chunk_s_start_is_kept() -> None:
    text = "class A:\n" + "".join(f"    x{n} = {n}\n" for n in range(60))
    document = cleaned_document(text, category=Category.REPOSITORY, path="a.py")
    chunks = chunks_of(document)
    assert len(chunks) > 1
    assert all(chunk.text.startswith("    x") for chunk in chunks[1:])


def test_markdown_in_a_repository_is_cut_before_headings() -> None:
    text = "".join(f"\n## Part {number}\n{SENTENCE * 4}" for number in range(5))
    document = cleaned_document(text, category=Category.REPOSITORY, path="docs/README.md")
    chunks = chunks_of(document)
    assert len(chunks) == 5
    assert [f"## Part {number}\n" in chunks[number].text for number in range(5)] == [True] * 5


def test_blank_pieces_do_not_shift_what_follows() -> None:
    """The splitter once handed blank pieces out twice, and every later span was off by some."""
    text = "".join(f"{'one two three four five' * 3}\n\n\n\n   \n" for _ in range(20))
    pieces = chunking._pieces(text, "html", TOKENIZER, 52)
    assert "".join(pieces) == text


@pytest.mark.parametrize("suffix", [".py", ".cjs", ".tsx", ".h", ".exs", ".toml", ".dart", ".zig"])
def test_every_language_can_be_split(suffix: str) -> None:
    text = "\n".join(f"line {number} of a file;" for number in range(40))
    document = cleaned_document(text, category=Category.REPOSITORY, path=f"src/File{suffix}")
    chunks = chunks_of(document)
    assert len(chunks) > 1
    assert_exact_and_complete(document, chunks)
