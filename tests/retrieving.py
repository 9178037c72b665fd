"""Candidates for the tests of the stages, and questions asked of a twin."""

import anyio
from builders import chunk_of, cleaned_document

from twin_serving.answers import Event
from twin_serving.llm import Message
from twin_serving.retrieval import Candidate, RetrievalOptions
from twin_serving.twin import Twin


def candidate(text: str, similarity: float = 0.5, tokens: int = 10, link: str = "") -> Candidate:
    """Return a candidate that is the whole of its document."""
    document = cleaned_document(text, link=link or f"https://example.com/{text}")
    chunk = chunk_of(document, 0, len(text))
    return Candidate(
        chunk.chunk_id, document, 0, len(text), text, tokens, similarity, 1.5, similarity
    )


def events_of(
    twin: Twin,
    question: str,
    options: RetrievalOptions | None = None,
    history: tuple[Message, ...] = (),
) -> list[Event]:
    """Return all that a stream of the answer yields."""

    async def collect() -> list[Event]:
        stream = twin.stream(question, options or RetrievalOptions(), history)
        return [event async for event in stream]

    return anyio.run(collect)
