"""Texts as words to be matched: split, folded and stemmed, the same for passages and questions."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import regex
import Stemmer

# Scripts that put no spaces between words: their runs are matched by pairs of characters.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"
_RUN = regex.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+", regex.VERSION0)
_WRITTEN = regex.compile(r"\w+")
_IS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")

# What a question is put together with. In a small collection such words are rare, and would count.
_FUNCTION_WORDS = """
    a an the this that these those here there and or but if so than then nor not no as of in on
    at by for from to with about into onto over under after before between through during
    without within is are was were be been being am do does did doing done have has had having
    can could should would will may might must shall i me my mine you your yours he him his she
    her hers it its we us our ours they them their theirs what which who whom whose when where
    why how too very just also any some such only own same each both all more most much many
    other say says said tell tells told think thinks
"""
_NOT_TELLING = frozenset(_FUNCTION_WORDS.split())
# What is contracted is a function word: "can't" whole, and what follows the apostrophe in "rye's".
_CONTRACTED = regex.compile(r"\b\w*n['’]t\b|(?<=\w)['’](?:s|re|ve|ll|d|m)\b")

Hashes = npt.NDArray[np.uint64]


def words(text: str) -> list[str]:
    """Return the text's words, folded and stemmed, in their order, repetitions kept.

    Case and accents are folded; ``snake_case`` is split. Stems are Snowball's English ones
    (https://snowballstem.org), which leave most words of other languages as they are. What is
    written without spaces gives its pairs of characters. Every word counts: what stands everywhere
    weighs next to nothing in BM25.
    """
    return _stems(_split(_fold(text)))


def question_words(question: str) -> list[str]:
    """Return the words of a question that are searched for, or all if none of them tells much."""
    return telling_words(question) or words(question)


def telling_words(question: str) -> list[str]:
    """Return the words of a question that say what it is about, as :func:`words` does."""
    folded = _CONTRACTED.sub(" ", _fold(question))
    return _stems(word for word in _split(folded) if word not in _NOT_TELLING)


def written_words(text: str) -> set[str]:
    """Return the text's words as they are written but for case and accents, ``ERR_1207`` whole."""
    return set(_WRITTEN.findall(_CONTRACTED.sub(" ", _fold(text))))


def word_hashes(stems: Sequence[str]) -> Hashes:
    """Return a 64-bit number for each word, the same in every process: uint64 (words,).

    Among ten million different words, two share a number with a probability of 3 in a million.
    """
    digests = b"".join(hashlib.blake2b(stem.encode(), digest_size=8).digest() for stem in stems)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _stems(split: Iterable[str]) -> list[str]:
    # a stemmer serves one thread at a time, and costs less than a microsecond
    stems: list[str] = Stemmer.Stemmer("english").stemWords(list(split))
    return stems


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _split(text: str) -> Iterator[str]:
    for match in _RUN.finditer(text):
        run = match.group()
        if len(run) > 2 and _IS_UNSPACED.match(run):
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run


def as_unicode(text: str) -> str:
    """Return the text with a question mark for every half of a character (a lone surrogate).

    Bytes on a command line that are no UTF-8 become such, and JSON may spell them.
    """
    return text.encode("utf-8", "replace").decode("utf-8")
