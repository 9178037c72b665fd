"""What a question may say of itself: the options have the command line's names."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from twin_serving.audit import Feedback, Vote
from twin_serving.llm import Message
from twin_serving.retrieval import PRESETS, Rerank, RetrievalOptions, Search

Question = Annotated[
    str, Field(min_length=1, pattern=r"\S", description="The question.", examples=["What is RAG?"])
]


class Turn(BaseModel):
    """One turn of the conversation before the question."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: str


class RetrieveRequest(BaseModel):
    """A question, and how it is to be searched; what is left out is the preset's."""

    model_config = ConfigDict(extra="forbid")

    query: Question
    author: str | None = Field(
        None, min_length=1, description="Name or slug; without it, whom the question names."
    )
    preset: Literal["fast", "balanced", "thorough"] = "balanced"
    k: int | None = Field(None, ge=1, le=300, description="Candidates that are searched.")
    top: int | None = Field(None, ge=1, le=50, description="Passages kept at most.")
    search: Search | None = None
    rerank: Rerank | None = None
    phrasings: int | None = Field(
        None, ge=1, le=10, description="How many ways the question is searched in."
    )
    use_llm: bool | None = Field(
        None, description="Whether the language model may decide who and what is meant."
    )
    history: list[Turn] = Field(default=[], max_length=100, description="The conversation so far.")

    def options(self) -> RetrievalOptions:
        """Return the preset with what the request says besides."""
        names = ("author", "k", "top", "search", "rerank", "phrasings", "use_llm")
        said = {name: getattr(self, name) for name in names}
        changes = {name: value for name, value in said.items() if value is not None}
        return replace(PRESETS[self.preset], **changes)

    def turns(self) -> list[Message]:
        """Return the conversation before the question."""
        return [Message(turn.role, turn.content) for turn in self.history]


class FeedbackRequest(BaseModel):
    """What the asker makes of an answer."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=64, description="The answer's id.")
    vote: Vote | None = None
    comment: str | None = Field(None, max_length=4000)
    source: str | None = Field(
        None, max_length=2000, description="The link that should have been cited."
    )

    def feedback(self) -> Feedback:
        """Return what is kept of it."""
        return Feedback(self.vote, self.comment, self.source)
