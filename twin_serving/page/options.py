"""The options of every stage as the page shows them."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from twin_serving.retrieval import PRESETS, Rerank, RetrievalOptions, Search

EVERYONE = "*"
_NAMES = ("k", "top", "phrasings", "search", "rerank", "use_llm")  # in the drawer's order


def option_controls() -> list[Any]:
    """Make a control for each option, in the order of ``_NAMES``."""
    balanced = PRESETS["balanced"]
    return [
        gr.Number(balanced.k, label="Candidates searched (k)", precision=0, minimum=1, maximum=300),
        gr.Number(balanced.top, label="Passages kept (top)", precision=0, minimum=1, maximum=50),
        gr.Number(
            balanced.phrasings,
            label="Phrasings (need a language model)",
            precision=0,
            minimum=1,
            maximum=10,
        ),
        gr.Dropdown([one.value for one in Search], value=balanced.search.value, label="Search by"),
        gr.Dropdown([one.value for one in Rerank], value=balanced.rerank.value, label="Rerank by"),
        gr.Checkbox(balanced.use_llm, label="Language model takes part before the answer"),
    ]


def option_values(preset: str) -> list[Any]:
    """Return what the controls show for a preset."""
    values = [getattr(PRESETS[preset], name) for name in _NAMES]
    return [value.value if isinstance(value, Search | Rerank) else value for value in values]


def options_of(author: str, values: Sequence[Any]) -> RetrievalOptions:
    """Return the options that the drawer's controls say, for what the author picker says."""
    k, top, phrasings, search, rerank, use_llm = values
    return RetrievalOptions(
        author=author if author not in ("", EVERYONE) else None,
        self_query=author != EVERYONE,
        k=int(k),
        top=int(top),
        phrasings=int(phrasings),
        search=Search(search),
        rerank=Rerank(rerank),
        use_llm=bool(use_llm),
    )
