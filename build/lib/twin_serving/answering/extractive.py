"""No model server: the answer is the passages' own sentences nearest the question, each cited."""

from collections.abc import AsyncIterator, Sequence

from anyio import to_thread

from twin_assets.embedding import Embedder
from twin_serving.answering import Piece, Support, Written
from twin_serving.answering.sentences import Sentence, opening, sentences_of, without_markup
from twin_serving.llm import Message
from twin_serving.retrieval import Passage, Retrieval

_SENTENCES = 4  # in an answer; more reads like a search result page
_A_PASSAGE = 2  # sentences from one passage, so that the others are heard too
# A sentence that is further from the question than this below the best adds noise.
_BEHIND_BEST = 0.25


class ExtractiveAnswerer:
    """An :class:`~twin_serving.answering.Answerer` that quotes and writes nothing of its own."""

    provider = "extractive"

    def __init__(self, embedder: Embedder) -> None:
        """Compare sentences with the question by the embedder's vectors."""
        self._embedder = embedder

    async def stream(
        self, retrieval: Retrieval, history: Sequence[Message]
    ) -> AsyncIterator[Piece | Written]:
        """See :meth:`Answerer.stream`; a piece is a sentence with its citation."""
        for piece in await to_thread.run_sync(self.quote, retrieval.searched, retrieval.passages):
            yield piece
        yield Written(self.provider, passages=len(retrieval.passages))

    def quote(self, question: str, passages: Sequence[Passage]) -> list[Piece]:
        """Return the sentences that answer, each as a piece with its citation."""
        sentences = [s for passage in passages for s in sentences_of(passage)]
        if not sentences:
            sentences = [opening(passage) for passage in passages[:1]]
        return [
            _piece(sentence, "" if at == 0 else " ")
            for at, sentence in enumerate(self._nearest(question, sentences))
        ]

    def _nearest(self, question: str, sentences: Sequence[Sentence]) -> list[Sentence]:
        """Return the chosen sentences in reading order: by passage, then by place."""
        query, *vectors = self._embedder.encode([question, *(s.text for s in sentences)])
        scores = [float(query @ vector) for vector in vectors]
        ranked = sorted(range(len(sentences)), key=lambda index: -scores[index])
        # The first passage is the likeliest to answer, so its best sentence is always heard.
        leading = next(i for i in ranked if sentences[i].passage is sentences[0].passage)
        chosen = [sentences[leading]]
        for index in ranked:
            sentence = sentences[index]
            if len(chosen) == _SENTENCES or scores[index] < scores[ranked[0]] - _BEHIND_BEST:
                break
            from_passage = sum(s.passage.n == sentence.passage.n for s in chosen)
            repeated = any(_says_the_same(sentence.text, s.text) for s in chosen)
            if from_passage < _A_PASSAGE and not repeated:
                chosen.append(sentence)
        return sorted(chosen, key=lambda s: (s.passage.n, s.start))


def _says_the_same(one: str, other: str) -> bool:
    """Tell whether one sentence holds the other's words, as in two copies of an article."""
    letters = ["".join(c for c in text.casefold() if c.isalnum()) for text in (one, other)]
    return letters[0] in letters[1] or letters[1] in letters[0]


def _piece(sentence: Sentence, gap: str) -> Piece:
    n, offset = sentence.passage.n, sentence.passage.candidate.start
    support = Support(n, offset + sentence.start, offset + sentence.end)
    return Piece(f"{gap}{without_markup(sentence.text)} [{n}]", (support,))
