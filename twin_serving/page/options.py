"""The options of every stage as the page shows them, wherever a question is asked."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from twin_assets.errors import BadInputError
from twin_serving.page.components import QUIET
from twin_serving.retrieval import PRESETS, Rerank, RetrievalOptions, Search

EVERYONE = "*"
_NAMES = ("k", "top", "phrasings", "search", "rerank", "use_llm")  # in the drawer's order


def preset_control(label: str, value: str, **more: Any) -> gr.Dropdown:
    """Make the control that names a preset; ``more`` are further arguments of the component."""
    choices = [(name.title(), name) for name in PRESETS]
    return gr.Dropdown(choices, value=value, label=label, **more)


def options_drawer(preset: str, side: str = "", **more: Any) -> list[Any]:
    """Make a closed drawer with a control for each option, and return these in their order.

    Args:
        preset: the preset that they show at first.
        side: what their labels begin with, where there is more than one drawer.
        more: further arguments of the drawer.
    """
    k, top, phrasings, search, rerank, use_llm = option_values(preset)

    def named(label: str) -> str:
        return f"{side}: {label[0].lower()}{label[1:]}" if side else label

    def number(value: int, label: str, most: int) -> gr.Number:
        return gr.Number(value, label=named(label), precision=0, minimum=1, maximum=most)

    def choice(value: str, label: str, values: Sequence[str]) -> gr.Dropdown:
        return gr.Dropdown(list(values), value=value, label=named(label))

    with gr.Accordion(
        named("Options of every stage"), open=False, elem_classes="twin-drawer", **more
    ):
        return [
            number(k, "Candidates searched (k)", 300),
            number(top, "Passages kept (top)", 50),
            number(phrasings, "Phrasings (need a language model)", 10),
            choice(search, "Search by", [one.value for one in Search]),
            choice(rerank, "Rerank by", [one.value for one in Rerank]),
            gr.Checkbox(use_llm, label=named("Language model takes part before the answer")),
        ]


def follow_preset(preset: gr.Dropdown, controls: Sequence[Any]) -> None:
    """Have the drawer's controls show what a preset says when it is chosen."""
    # in the browser, so that a question asked at once is asked with them
    table = json.dumps({name: option_values(name) for name in PRESETS})
    preset.change(None, preset, list(controls), js=f"(name) => ({table})[name]", **QUIET)


def option_values(preset: str) -> list[Any]:
    """Return what the controls show for a preset."""
    values = [getattr(PRESETS[preset], name) for name in _NAMES]
    return [value.value if isinstance(value, Search | Rerank) else value for value in values]


def options_of(author: str, values: Sequence[Any]) -> RetrievalOptions:
    """Return the options that the drawer's controls say, for what the author picker says.

    Raises:
        BadInputError: a number is missing.
    """
    k, top, phrasings, search, rerank, use_llm = values
    try:
        numbers = {"k": int(k), "top": int(top), "phrasings": int(phrasings)}
    except (TypeError, ValueError):
        raise BadInputError(
            "A number among the options of the stages is missing: fill it in, or choose a preset."
        ) from None
    return RetrievalOptions(
        author=author if author not in ("", EVERYONE) else None,
        self_query=author != EVERYONE,
        search=Search(search),
        rerank=Rerank(rerank),
        use_llm=bool(use_llm),
        **numbers,
    )
