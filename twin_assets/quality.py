"""What a person should look at, though it stops nothing: verdicts on one author's data.

Documents mean articles and posts here; a repository's files repeat one another, and are code.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from twin_assets.artifacts import Vectors
from twin_assets.documents import Category, Chunk, CleanedDocument
from twin_assets.gate import Verdict

# Of two texts with this share of their five-word sequences in common, one says nothing new.
_ALIKE = 0.8
_SKETCH = 64  # sequences that stand for all of a text's
_SHINGLE = 5  # words

# The words that English cannot do without make up 0.19 or more of each of 130 articles in it, code
# and all; of nine other languages in Latin letters, which share some, 0.14 at most (Dutch).
_ENGLISH = frozenset(
    (
        *("the", "of", "and", "to", "in", "is", "that", "for", "it", "with", "as", "was", "on"),
        *("are", "be", "this", "have", "from", "or", "by", "not", "but", "you", "we", "an"),
        *("they", "which", "can", "has", "at", "if", "when", "there", "what", "their", "so"),
        *("one", "all", "no", "do"),
    )
)
_LEAST_ENGLISH = 0.165
_LETTERS = 5000  # of a text, to tell an alphabet by
_ENOUGH_WORDS = 50  # to tell a language by
_FEW_WORDS = 20  # of an article of which there is nothing to ask

_LEAST_LINE = 20  # characters of a line that counts as repeated
_MOST_REPEATED = 0.5  # of a text

_FEW_TOKENS = 8  # a passage of which there is nothing to ask
_MOST_FRAGMENTS = 0.1  # of the chunks

# With all-MiniLM-L6-v2, removing up to 30 % of five authors' passages shifted their mean by 0.016
# at most, and putting another's in the place of 30 % by 0.049 to 0.089.
_MOST_SHIFT = 0.045

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def documents_differ(documents: Iterable[CleanedDocument]) -> Verdict:
    """Judge that no document repeats another, word by word or nearly so."""
    written = _written(documents)
    sketches = {d.document_id: _sketch(d.text) for d in written}
    of_part: dict[bytes, list[str]] = defaultdict(list)
    for document_id, sketch in sketches.items():
        for part in sorted(sketch)[:8]:
            of_part[part].append(document_id)
    candidates = {pair for ids in of_part.values() for pair in pairwise(ids)}
    repeated = {
        second
        for first, second in candidates
        if _overlap(sketches[first], sketches[second]) > _ALIKE
    }
    numbers = {"documents": len(written), "repeated": len(repeated)}
    if repeated:
        reason = f"{len(repeated)} of {len(written)} documents repeat another"
        return Verdict(False, reason, numbers, _links(written, repeated))
    return Verdict(True, f"{len(written)} documents differ", numbers)


def documents_are_english(documents: Iterable[CleanedDocument]) -> Verdict:
    """Judge that the documents are in English, which is what the packaged model reads."""
    written = _written(documents)
    foreign = {d.document_id for d in written if not _is_english(d.text)}
    numbers = {"documents": len(written), "not_english": len(foreign)}
    if foreign:
        reason = f"{len(foreign)} of {len(written)} documents do not look like English"
        return Verdict(False, reason, numbers, _links(written, foreign))
    return Verdict(True, f"{len(written)} documents look like English", numbers)


def documents_say_something(documents: Iterable[CleanedDocument]) -> Verdict:
    """Judge that no article is a few words, and none mostly lines that most of them have."""
    written = _written(documents)
    articles = [d for d in written if d.category is Category.ARTICLE]
    short = {d.document_id for d in articles if len(_WORD.findall(d.text)) < _FEW_WORDS}
    holders = Counter(line for d in articles for line in set(_lines(d.text)))
    least = max(3, len(articles) // 2)
    repeated = {line for line, count in holders.items() if count >= least}
    boilerplate = {
        d.document_id
        for d in articles
        if sum(len(line) for line in _lines(d.text) if line in repeated)
        > _MOST_REPEATED * len(d.text)
    }
    numbers = {"documents": len(written), "short": len(short), "boilerplate": len(boilerplate)}
    if short or boilerplate:
        reason = (
            f"{len(short)} of {len(articles)} articles have fewer than {_FEW_WORDS} words, "
            f"{len(boilerplate)} are mostly what the others say too"
        )
        return Verdict(False, reason, numbers, _links(written, short | boilerplate))
    return Verdict(True, f"{len(written)} documents have something to say", numbers)


def chunks_have_length(chunks: Sequence[Chunk]) -> Verdict:
    """Judge that few chunks are fragments, and give their lengths."""
    lengths = sorted(chunk.tokens for chunk in chunks) or [0]
    fragments = sum(length < _FEW_TOKENS for length in lengths) if chunks else 0
    numbers = {
        "chunks": len(chunks),
        "fragments": fragments,
        "tokens_median": lengths[len(lengths) // 2],
        "tokens_95th": lengths[int(0.95 * (len(lengths) - 1))],
        "tokens_most": lengths[-1],
    }
    passed = fragments <= max(1, _MOST_FRAGMENTS * len(chunks))
    reason = f"{fragments} of {len(chunks)} chunks have fewer than {_FEW_TOKENS} tokens"
    return Verdict(passed, reason, numbers)


def mean_shift(before: Vectors, now: Vectors) -> float:
    """Return how far the mean vector has turned: 1 less the cosine of both, 0 for none."""
    if not len(before) or not len(now):
        return 0.0
    means = before.mean(axis=0), now.mean(axis=0)
    lengths = [float(np.linalg.norm(mean)) for mean in means]
    return 1 - float(means[0] @ means[1]) / max(lengths[0] * lengths[1], 1e-9)


def shift_is_small(shift: float, windows_before: int, windows: int) -> Verdict:
    """Judge that the author writes of what he wrote of before, and about as much.

    Args:
        shift: see :func:`mean_shift`.
        windows_before: of the version before; 0 if there was none that can be compared.
        windows: of this version.
    """
    numbers = {"shift": round(shift, 4), "windows_before": windows_before, "windows": windows}
    if not windows_before:
        return Verdict(True, "there is no version before to compare with", numbers)
    lost = windows < windows_before / 2
    reason = f"the mean has shifted by {shift:.3f}, {windows_before} windows have become {windows}"
    return Verdict(not lost and shift <= _MOST_SHIFT, reason, numbers)


def _written(documents: Iterable[CleanedDocument]) -> list[CleanedDocument]:
    return [d for d in documents if d.category is not Category.REPOSITORY]


def _links(documents: Iterable[CleanedDocument], ids: Collection[str]) -> tuple[str, ...]:
    return tuple(d.link for d in documents if d.document_id in ids)


def _sketch(text: str) -> frozenset[bytes]:
    """Return the smallest digests of the text's five-word sequences."""
    words = [word.casefold() for word in _WORD.findall(text)]
    starts = range(max(1, len(words) - _SHINGLE + 1))
    shingles = {" ".join(words[at : at + _SHINGLE]) for at in starts}
    digests = (blake2b(shingle.encode(), digest_size=8).digest() for shingle in shingles)
    return frozenset(sorted(digests)[:_SKETCH])


def _overlap(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    """Return an estimate of the share of sequences that both texts have (Broder, 1997)."""
    smallest = set(sorted(one | other)[:_SKETCH])
    return len(smallest & one & other) / max(1, len(smallest))


def _is_english(text: str) -> bool:
    letters = [c for c in text[:_LETTERS] if c.isalpha()]
    if sum(letter.isascii() for letter in letters) < len(letters) / 2:
        return False
    words = [word.casefold() for word in _WORD.findall(text)]
    if len(words) < _ENOUGH_WORDS:
        return True
    return sum(word in _ENGLISH for word in words) / len(words) >= _LEAST_ENGLISH


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if len(line := line.strip()) >= _LEAST_LINE:
            yield line
