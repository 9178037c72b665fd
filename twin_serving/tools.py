"""What other programs call by name, through the Model Context Protocol and Gradio's clients."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from twin_assets.errors import TwinError
from twin_serving.retrieval import PRESETS, RetrievalOptions
from twin_serving.serialize import AnswerJson, RetrievalJson, answer_dict, retrieval_dict
from twin_serving.twin import Twin

Question = Annotated[str, Field(description="The question, in any language.")]
Author = Annotated[
    str | None, Field(description="An author's name or slug; else whom the question names.")
]
Preset = Annotated[
    Literal["fast", "balanced", "thorough"], Field(description="How much searching is worth it.")
]


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools over one twin.

    ``through`` names the surface for the audit trail; ``refusal`` makes of a fault's one line what
    the surface wants to have raised.
    """

    twin: Twin
    through: str
    refusal: Callable[[str], Exception]

    async def retrieve(
        self, question: Question, author: Author = None, preset: Preset = "balanced"
    ) -> RetrievalJson:
        """Find the passages that a question is answered by, with their sources."""
        try:
            retrieval = await self.twin.retrieve_async(
                question, _options(author, preset), through=self.through
            )
        except TwinError as error:
            raise self.refusal(str(error)) from None
        return retrieval_dict(retrieval)

    async def ask(
        self, question: Question, author: Author = None, preset: Preset = "balanced"
    ) -> AnswerJson:
        """Answer a question from what the authors wrote, citing the passages as [n]."""
        try:
            answer = await self.twin.ask_async(
                question, _options(author, preset), through=self.through
            )
        except TwinError as error:
            raise self.refusal(str(error)) from None
        return answer_dict(answer)


def _options(author: str | None, preset: str) -> RetrievalOptions:
    return replace(PRESETS[preset], author=author or None)
