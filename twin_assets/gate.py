"""What must be true of an author's partition before anyone downstream, or a reader, sees it.

Each function gives one verdict on one author's data. The assets ask before they let a partition
pass, and the asset checks in :mod:`twin_assets.checks` report the same verdicts in the Dagster UI.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer

from twin_assets.artifacts import Vectors
from twin_assets.documents import Chunk, CleanedDocument, Window
from twin_assets.errors import IndexCorruptedError, TwinError
from twin_assets.stores import VectorStore
from twin_assets.windows import uncovered_tokens

# bfloat16 arithmetic is normalized in float32, so norms differ from 1 by float32 rounding only.
_NORM_TOLERANCE = 1e-3

_SAMPLE = 200  # vectors of a version, about, that are compared with those at rest
# Of unit vectors this is a cosine of 0.999; a database may keep them less exactly than given.
_SAME_VECTOR = 0.0447


class GateError(TwinError):
    """A partition that may not pass."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a partition may pass, the reason in either case, and the numbers behind it.

    ``examples`` are links of what does not.
    """

    passed: bool
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    examples: Sequence[str] = ()

    def require(self) -> None:
        """Stop here when the partition may not pass.

        Raises:
            GateError: with the reason.
        """
        if not self.passed:
            raise GateError(self.reason)


def chunks_cover_text(documents: Sequence[CleanedDocument], chunks: Sequence[Chunk]) -> Verdict:
    """Judge that spans are exact and every character but white space stands in some chunk."""
    of_document: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        of_document[chunk.document_id].append(chunk)
    wrong_spans = lost = 0
    for document in documents:
        position = 0
        for chunk in sorted(of_document[document.document_id], key=lambda c: (c.start, c.end)):
            wrong_spans += document.text[chunk.start : chunk.end] != chunk.text
            lost += _visible(document.text[position : chunk.start])
            position = max(position, chunk.end)
        lost += _visible(document.text[position:])
    numbers = {"lost_characters": lost, "wrong_spans": wrong_spans, "chunks": len(chunks)}
    if lost or wrong_spans:
        reason = f"{lost} characters stand in no chunk, {wrong_spans} chunks have a wrong span"
        return Verdict(False, reason, numbers)
    return Verdict(True, f"{len(chunks)} chunks hold every character", numbers)


def _visible(text: str) -> int:
    return sum(not character.isspace() for character in text)


def windows_hold_every_token(
    chunks: Sequence[Chunk], windows: Sequence[Window], tokenizer: Tokenizer, limit: int
) -> Verdict:
    """Judge that every token of every chunk is in a window and no window is over the limit."""
    of_chunk: dict[str, list[Window]] = defaultdict(list)
    for window in windows:
        of_chunk[window.chunk_id].append(window)
    lost = sum(uncovered_tokens(chunk, of_chunk[chunk.chunk_id], tokenizer) for chunk in chunks)
    over = sum(window.tokens > limit for window in windows)
    numbers = {"lost_tokens": lost, "windows_over_limit": over, "windows": len(windows)}
    if lost or over:
        reason = f"{lost} tokens stand in no window, {over} windows are over {limit} tokens"
        return Verdict(False, reason, numbers)
    return Verdict(True, f"{len(windows)} windows hold every token", numbers)


def vectors_are_sound(windows: Sequence[Window], ids: Sequence[str], vectors: Vectors) -> Verdict:
    """Judge that there is one finite vector of length 1 a window, in the windows' order."""
    in_order = [window.window_id for window in windows] == list(ids) and len(ids) == len(vectors)
    infinite = int((~np.isfinite(vectors)).any(axis=1).sum())
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(np.nan_to_num(vectors), axis=1)
    off = int((np.abs(norms - 1) > _NORM_TOLERANCE).sum())
    numbers = {"vectors": len(vectors), "not_finite": infinite, "not_normalized": off}
    if not in_order:
        reason = f"{len(vectors)} vectors do not stand for the {len(windows)} windows one by one"
        return Verdict(False, reason, numbers)
    if infinite or off:
        reason = f"{infinite} vectors are not finite, {off} are not of length 1"
        return Verdict(False, reason, numbers)
    return Verdict(True, f"{len(vectors)} vectors are finite and of length 1", numbers)


def index_is_whole(store: VectorStore, author: str, version: str) -> Verdict:
    """Judge the version by itself, where the vectors that it was made from are not at hand."""
    try:
        read = store.read(author, version)
    except IndexCorruptedError as error:
        return Verdict(False, str(error))
    reason = "the version is whole; the embeddings that it was made from are not at rest any more"
    return Verdict(True, reason, {"indexed": len(read.vectors)})


def index_holds_windows(
    store: VectorStore, author: str, version: str, ids: Sequence[str], vectors: Vectors
) -> Verdict:
    """Judge that the version is sound and holds each window once, and a sample of its vectors.

    Args:
        store: the index backend.
        author: the partition's key.
        version: the version that is judged.
        ids: of the windows.
        vectors: float32 (windows, dimension), as they were embedded.
    """
    try:
        read = store.read(author, version)
    except IndexCorruptedError as error:
        return Verdict(False, str(error), {"windows": len(ids)})
    numbers = {"indexed": len(read.vectors), "windows": len(ids)}
    if len(read.vectors) != len(ids):
        reason = f"the index holds {len(read.vectors)} of {len(ids)} windows"
        return Verdict(False, reason, numbers)
    row_of = {window.window_id: row for row, window in enumerate(read.windows)}
    strangers = sum(window_id not in row_of for window_id in ids)
    if strangers:
        reason = f"the index lacks {strangers} of {len(ids)} windows and holds others"
        return Verdict(False, reason, numbers)
    sample = range(0, len(ids), max(1, len(ids) // _SAMPLE))
    indexed = read.vectors[[row_of[ids[row]] for row in sample]]
    distances = np.linalg.norm(indexed - vectors[list(sample)], axis=1)
    others = int((~(distances <= _SAME_VECTOR)).sum())  # one that is not a number is another
    numbers |= {"vectors_compared": len(sample), "other_vectors": others}
    if others:
        reason = f"{others} of {len(sample)} vectors in the index are not those of their windows"
        return Verdict(False, reason, numbers)
    return Verdict(True, f"the index holds all {len(ids)} windows", numbers)
