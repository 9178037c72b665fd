"""Cleaned documents to chunks, each with its exact character span in the cleaned text."""

import re
from collections.abc import Iterable, Iterator

from tokenizers import Tokenizer

from twin_assets.documents import Category, Chunk, CleanedDocument
from twin_assets.settings import TwinSettings
from twin_assets.tokens import Units, pack, tokenize

Span = tuple[int, int]

# Where an article may be cut, best first. Each pattern's match starts right after the text that
# the chunk before keeps.
_ARTICLE_BOUNDS = (
    re.compile(r"\s*\n(?=#{1,6} )"),  # before a heading
    re.compile(r"\s*\n\s*\n"),  # between paragraphs
    re.compile(r"(?<=[.!?…。！？])\s|(?<=[.!?…。！？][\"'”’)\]*_])\s"),  # between sentences
    re.compile(r"\s*\n"),  # between lines
    re.compile(r"\s"),  # between words
)


def chunk_document(
    document: CleanedDocument, tokenizer: Tokenizer, settings: TwinSettings
) -> list[Chunk]:
    """Split the document by its category's rule.

    Every character of the text that is not white space stands in some chunk, and each chunk's text
    is ``document.text[start:end]``. Articles are cut on paragraph and sentence bounds and never
    overlap; posts and repository files are cut by tokens and overlap as the settings say.
    """
    units = tokenize(tokenizer, document.text)
    spans: Iterable[Span]
    match document.category:
        case Category.ARTICLE:
            spans = article_spans(document.text, settings.article_chunk_characters)
        case Category.POST:
            spans = token_spans(
                document.text, units, settings.post_chunk_tokens, settings.post_chunk_overlap
            )
        case Category.REPOSITORY:
            spans = code_spans(
                document.text,
                document.language,
                tokenizer,
                settings.repository_chunk_tokens,
                settings.repository_chunk_overlap,
            )
    return [_chunk(document, span, units) for span in spans]


def _chunk(document: CleanedDocument, span: Span, units: Units) -> Chunk:
    start, end = span
    text = document.text[start:end]
    return Chunk(
        chunk_id=Chunk.identify(document.document_id, start, end, text),
        document_id=document.document_id,
        author=document.author,
        category=document.category,
        title=document.title,
        start=start,
        end=end,
        text=text,
        tokens=units.count(start, end),
    )


def article_spans(text: str, maximum: int) -> Iterator[Span]:
    """Yield spans of at most ``maximum`` characters, at least half of it where there is a bound.

    A cut leaves at least half of ``maximum`` behind it, so that the tail is never a fragment.
    """
    minimum = maximum // 2
    end = len(text.rstrip())
    start = _skip_space(text, 0)
    while end - start > maximum:
        cut = _best_bound(text, start + minimum, min(start + maximum, end - minimum))
        yield start, start + len(text[start:cut].rstrip())
        start = _skip_space(text, cut)
    if start < end:
        yield start, end


def _best_bound(text: str, low: int, high: int) -> int:
    """Return the last place in ``[low, high]`` of the best kind, or ``high`` when there is none."""
    for pattern in _ARTICLE_BOUNDS:
        last = None
        for match in pattern.finditer(text, low, min(high + 1, len(text))):
            last = match.start()
        if last is not None and last <= high:
            return last
    return high


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def token_spans(text: str, units: Units, size: int, overlap: int) -> Iterator[Span]:
    """Yield spans of at most ``size`` tokens that share about ``overlap``, cut between words.

    A text without any token that is not blank either (a lone emoji modifier, say) is one span.
    """
    ranges = list(pack(units, size, overlap))
    if not ranges and text.strip():
        ranges = [(0, 0)]
    yield from spans_of_units(text, units, ranges)


def spans_of_units(text: str, units: Units, ranges: Iterable[tuple[int, int]]) -> Iterator[Span]:
    """Yield the character spans of ranges of units.

    Characters that have no token (some emoji modifiers, say) go with the word before them, so that
    no character is lost; white space at either edge is left out.
    """
    for first, last in ranges:
        start = units.starts[first] if first > 0 else _skip_space(text, 0)
        stop = units.starts[last] if last < len(units.starts) else len(text)
        yield start, start + len(text[start:stop].rstrip())


def code_spans(
    text: str, language: str | None, tokenizer: Tokenizer, size: int, overlap: int
) -> Iterator[Span]:
    """Yield spans of at most ``size`` tokens, cut where the file's language has its seams.

    The splitter of langchain-text-splitters gives pieces that partition the text; each is then
    extended backwards over whole lines of the piece before it, up to ``overlap`` tokens.

    Raises:
        ValueError: ``overlap`` is not smaller than ``size``.
    """
    if overlap >= size:
        raise ValueError("the overlap must be smaller than the size")
    position = 0
    for piece in _pieces(text, language, tokenizer, size - overlap):
        start, end = position, position + len(piece)
        position = end
        if not piece.strip():
            continue
        if start > 0:
            start = _extend_back(text, start, tokenizer, overlap)
        yield _skip_blank_lines(text, start), start + len(text[start:end].rstrip())


def _pieces(text: str, language: str | None, tokenizer: Tokenizer, size: int) -> list[str]:
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    def length(piece: str) -> int:
        tokens = len(tokenizer.encode(piece, add_special_tokens=False))
        # White space has no token, and the splitter hands pieces of length 0 out twice.
        return max(tokens, 1) if piece else 0

    try:
        known = RecursiveCharacterTextSplitter.get_separators_for_language(Language(language or ""))
    except ValueError:  # it has no seams of its own
        known = []
    splitter = RecursiveCharacterTextSplitter(
        separators=known or ["\n\n", "\n", " ", ""],
        is_separator_regex=bool(known),
        keep_separator="start",
        strip_whitespace=False,
        chunk_size=size,
        chunk_overlap=0,
        length_function=length,
    )
    return splitter.split_text(text)


def _extend_back(text: str, start: int, tokenizer: Tokenizer, overlap: int) -> int:
    """Return the earliest line start before ``start`` with at most ``overlap`` tokens between."""
    reach = start
    while reach > 0:
        line = text.rfind("\n", 0, reach - 1) + 1
        between = tokenizer.encode(text[line:start], add_special_tokens=False)
        if len(between) > overlap:
            break
        reach = line
    return reach


def _skip_blank_lines(text: str, start: int) -> int:
    """Skip empty lines, and keep the first line's indentation, which is part of the code."""
    first = _skip_space(text, start)
    return max(start, text.rfind("\n", start, first) + 1)
