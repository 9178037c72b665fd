"""The options of every stage, as the commands that ask take them."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from twin_serving.retrieval import PRESETS, Rerank, RetrievalOptions, Search


class Preset(StrEnum):
    """A way to ask, between quick and thorough."""

    FAST = "fast"
    BALANCED = "balanced"
    THOROUGH = "thorough"


AuthorName = Annotated[
    str | None,
    typer.Option("--author", help="Search this author only (name or slug); else it is worked out."),
]
PresetName = Annotated[
    Preset,
    typer.Option(
        "--preset",
        help="fast: no language model before the answer and no rerank. thorough: more "
        "candidates, phrasings and passages. The other options change what a preset says.",
    ),
]
K = Annotated[int | None, typer.Option("--k", min=1, help="Candidates searched in all.")]
Top = Annotated[int | None, typer.Option("--top", min=1, help="Passages kept at most.")]
SearchBy = Annotated[
    Search | None, typer.Option("--search", help="By vectors and words, or by one of them.")
]
RerankBy = Annotated[
    Rerank | None,
    typer.Option(
        "--rerank", help="What orders the candidates; auto is the cross-encoder if it is at hand."
    ),
]
NoRerank = Annotated[bool, typer.Option("--no-rerank", help="The same as --rerank off.")]
Phrasings = Annotated[
    int | None,
    typer.Option(
        "--phrasings",
        min=1,
        help="Ways to put the question that are searched; more than one needs a language model.",
    ),
]
NoExpand = Annotated[bool, typer.Option("--no-expand", help="The same as --phrasings 1.")]
NoLlm = Annotated[
    bool, typer.Option("--no-llm", help="Let no language model take part before the answer.")
]


def retrieval_options(
    preset: Preset,
    *,
    author: str | None,
    k: int | None,
    top: int | None,
    search: Search | None,
    rerank: Rerank | None,
    no_rerank: bool,
    phrasings: int | None,
    no_expand: bool,
    no_llm: bool,
) -> RetrievalOptions:
    """Return the preset with what was said besides."""
    if no_rerank and rerank not in (None, Rerank.OFF):
        raise typer.BadParameter("contradicts --rerank", param_hint="--no-rerank")
    if no_expand and phrasings not in (None, 1):
        raise typer.BadParameter("contradicts --phrasings", param_hint="--no-expand")
    said = {
        "author": author,
        "k": k,
        "top": top,
        "search": search,
        "rerank": Rerank.OFF if no_rerank else rerank,
        "phrasings": 1 if no_expand else phrasings,
        "use_llm": False if no_llm else None,
    }
    changes = {name: value for name, value in said.items() if value is not None}
    return replace(PRESETS[preset.value], **changes)  # type: ignore[arg-type]
