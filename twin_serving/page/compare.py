"""Compare: one question asked with two settings, side by side, the differences marked."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import gradio as gr
from anyio import create_task_group, to_thread

from twin_assets.errors import TwinError
from twin_assets.stores import BACKENDS
from twin_serving.answering import Piece
from twin_serving.answers import Answer, Citation
from twin_serving.page.answer import text_html
from twin_serving.page.asking import surface
from twin_serving.page.components import FAILED, QUIET, html
from twin_serving.page.html import fault_html, notice_html, seconds_html, status_html
from twin_serving.page.options import (
    follow_preset,
    options_drawer,
    options_of,
    preset_control,
)
from twin_serving.page.sources import sources_html
from twin_serving.twin import Twin
from twin_serving.variants import Variant, Variants

_log = logging.getLogger(__name__)

_EMPTY = notice_html(
    "Ask one question of two settings: another index, an earlier version, another way to search, "
    "or no language model. What only one of them finds or says is marked."
)
_SIDES = ("left", "right")
_CITED = re.compile(r"\[\d+\]")
# A sentence ends with its line, or with a full stop, what closes behind it, and its citations.
_SENTENCE = re.compile(r"\S.*?(?:[.!?…。！？][\"'”’)\]*_]*(?:\s*\[\d+\])*(?=\s|$)|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Setting:
    """What one side is asked with, as the page's controls say it.

    ``versions`` is a date, the name of a version, or nothing; ``options`` are the drawer's values.
    """

    backend: str
    versions: str
    use_llm: bool
    options: tuple[Any, ...]

    @classmethod
    def of(cls, backend: str, versions: str, use_llm: bool, *options: Any) -> "Setting":
        """Return the setting that the controls' values say, in the order of the controls."""
        return cls(backend, versions, use_llm, options)


@dataclass(slots=True)
class Side:
    """What has come of one side: an answer, or why there is none."""

    pieces: list[Piece] = field(default_factory=list)
    answer: Answer | None = None
    fault: str = ""


def compare_tab(twin: Twin) -> None:
    """Make the tab's components and what they do."""
    variants = Variants(twin)
    with gr.Row(elem_id="twin-compare-ask", elem_classes="twin-form"):
        question = gr.Textbox(
            label="Question for both",
            placeholder="What would you like to know?",
            lines=1,
            max_lines=6,
            elem_id="twin-compare-question",
        )
        ask = gr.Button("Compare", variant="primary", elem_id="twin-compare-send")
    with gr.Row(elem_id="twin-compare-settings"):
        left = _controls("Left", twin, preset="balanced")
        right = _controls("Right", twin, preset="fast")
    status = html(status_html(""), elem_id="twin-compare-status")
    result = html(_EMPTY, elem_id="twin-compare-result")

    async def on_compare(request: gr.Request, text: str, *values: Any) -> dict[Any, Any]:
        half = len(values) // 2
        settings = [Setting.of(*values[:half]), Setting.of(*values[half:])]
        sides = [Side(), Side()]
        async with create_task_group() as group:
            for setting, side in zip(settings, sides, strict=True):
                group.start_soon(ask_side, variants, text, setting, side, request.username)
        return {
            result: compared_html(text, sides),
            status: status_html(""),
            ask: gr.Button(interactive=True),
        }

    asked = gr.State("")  # what was in the field then: by the next step it may be another
    asking = gr.on(
        [question.submit, ask.click],
        lambda text: (text, status_html("Asking both…"), gr.Button(interactive=False)),
        inputs=question,
        outputs=[asked, status, ask],
        queue=False,
        **QUIET,
    )
    asking.then(on_compare, [asked, *left, *right], [result, status, ask], **QUIET)


def _controls(side: str, twin: Twin, preset: str) -> list[Any]:
    """Make a side's controls; return those that a :class:`Setting` is made of, in its order."""
    with gr.Column(elem_classes="twin-form twin-compare-side"):
        index = gr.Dropdown(list(BACKENDS), value=twin.settings.index, label=f"{side}: index")
        versions = gr.Textbox(label=f"{side}: version or date", placeholder="now", max_length=40)
        presets = preset_control(f"{side}: search", preset)
        by = gr.Dropdown(
            [("As configured", True), ("No language model", False)],
            value=True,
            label=f"{side}: answered by",
        )
        options = options_drawer(preset, side)
    follow_preset(presets, options)
    return [index, versions, by, *options]


async def ask_side(
    variants: Variants, question: str, setting: Setting, side: Side, asker: str | None
) -> None:
    """Ask the question of one setting; faults become one line."""
    try:
        options = options_of("", setting.options)
        if not setting.use_llm:
            options = replace(options, use_llm=False)
        variant = Variant.of(setting.backend, setting.versions, use_llm=setting.use_llm)
        twin = await to_thread.run_sync(variants.get, variant)
        async for event in twin.stream(question, options, through=surface(asker)):
            if isinstance(event, Piece):
                side.pieces.append(event)
            elif isinstance(event, Answer):
                side.answer = event
    except TwinError as error:
        side.fault = str(error)
    except Exception:
        _log.exception("A question could not be compared")
        side.fault = FAILED


def compared_html(question: str, sides: Sequence[Side]) -> str:
    """Return both answers side by side, with what only one of them found or said marked."""
    asked = f'<h2 class="asked">{escape(question)}</h2>' if question.strip() else ""
    ranks = [_ranks(side) for side in sides]
    columns = [
        f'<section class="side" aria-label="{name.title()}">'
        f"{_side(side, name, sides[1 - at])}</section>"
        for at, (name, side) in enumerate(zip(_SIDES, sides, strict=True))
    ]
    return f'{asked}{_summary(sides, ranks)}<div class="sides">{"".join(columns)}</div>'


def _summary(sides: Sequence[Side], ranks: Sequence[dict[str, int]]) -> str:
    if any(side.answer is None for side in sides):
        return ""
    shared = ranks[0].keys() & ranks[1].keys()
    every = ranks[0].keys() | ranks[1].keys()
    moved = sum(ranks[0][chunk] != ranks[1][chunk] for chunk in shared)
    left, right = (_text(side).split() for side in sides)
    same = "the same words" if left == right else "different words"
    ways = f"{len(shared)} of {len(every)} passages are on both sides"
    order = f", {moved} of them in another place" if moved else ""
    return f'<p class="compared" role="status">{ways}{order}; the answers have {same}.</p>'


def _side(side: Side, name: str, other: Side) -> str:
    answer = side.answer
    if answer is None:
        return fault_html(side.fault)
    seconds = seconds_html(sum(entry.seconds for entry in answer.trace))
    versions = sorted({partition.version for partition in answer.retrieval.index.partitions})
    searched = versions[0] if len(versions) == 1 else f"{len(versions):,} index versions"
    facts = f"{escape(answer.retrieval.index.backend)} · {seconds} · {escape(answer.written.by)}"
    text = "".join(_marked(side, name, other if other.answer else side))
    fault = fault_html(answer.fault) if answer.fault else ""
    notes: dict[int, str] = {}
    if other.answer is not None:
        there = _ranks(other)
        notes = {
            p.n: _note(p.n, there.get(p.candidate.chunk_id)) for p in answer.retrieval.passages
        }
    cited = {citation.passage.n: citation for citation in answer.citations}
    found = [cited.get(p.n, Citation(p, ())) for p in answer.retrieval.passages]
    sources = sources_html(found, answer.retrieval.index, "Found", prefix=name, notes=notes)
    return (
        f'<p class="facts">{facts}</p><p class="note">{escape(searched)}</p>'
        f'<p class="answer-text">{text}</p>{fault}{sources}'
    )


def _words(sentence: str) -> str:
    """Return what is said, without the numbers of what it rests on, which each side has its own."""
    return " ".join(_CITED.sub("", sentence).split())


def _marked(side: Side, name: str, other: Side) -> Iterator[str]:
    """Yield the side's text as HTML; the sentences that the other does not say are marked."""
    said = {_words(sentence[0]) for sentence in _SENTENCE.finditer(_text(other))}
    text = _text(side)
    at = 0
    for sentence in _SENTENCE.finditer(text):
        yield text_html(_cut(side.pieces, at, sentence.start()), name)
        html = text_html(_cut(side.pieces, *sentence.span()), name)
        yield html if _words(sentence[0]) in said else f"<ins>{html}</ins>"
        at = sentence.end()
    yield text_html(_cut(side.pieces, at, len(text)), name)


def _cut(pieces: Sequence[Piece], start: int, end: int) -> list[Piece]:
    """Return what the pieces say between two places of their joined text."""
    cut, at = [], 0
    for piece in pieces:
        if words := piece.text[max(0, start - at) : max(0, end - at)]:
            cut.append(replace(piece, text=words))
        at += len(piece.text)
    return cut


def _note(n: int, there: int | None) -> str:
    if there is None:
        return '<span class="only">only here</span>'
    return f'<span class="moved">there as {there}</span>' if there != n else "on both sides"


def _ranks(side: Side) -> dict[str, int]:
    passages = side.answer.retrieval.passages if side.answer else ()
    return {passage.candidate.chunk_id: passage.n for passage in passages}


def _text(side: Side) -> str:
    return "".join(piece.text for piece in side.pieces)
