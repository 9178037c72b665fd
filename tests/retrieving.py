"""Candidates for the tests of the stages."""

from builders import chunk_of, cleaned_document

from twin_serving.retrieval import Candidate


def candidate(text: str, similarity: float = 0.5, tokens: int = 10, link: str = "") -> Candidate:
    """Return a candidate that is the whole of its document."""
    document = cleaned_document(text, link=link or f"https://example.com/{text}")
    chunk = chunk_of(document, 0, len(text))
    return Candidate(
        chunk.chunk_id, document, 0, len(text), text, tokens, similarity, 1.5, similarity
    )
