"""Ask: a question in, a cited answer out, and how it was found."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import astuple, dataclass, replace
from typing import Any

import gradio as gr

from twin_assets.errors import TwinError
from twin_serving.answering import Piece
from twin_serving.answers import Answer
from twin_serving.page import rendering
from twin_serving.page.components import FAILED, QUIET, html
from twin_serving.page.html import status_html
from twin_serving.retrieval import PRESETS, Retrieval, StageTrace
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_AUTOMATIC = ("Automatic", "")
_PRESETS = [(name.title(), name) for name in PRESETS]


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows under the question, as HTML."""

    status: str = status_html("")
    answer: str = ""
    sources: str = ""
    how: str = ""


async def answer_views(twin: Twin, question: str, author: str, preset: str) -> AsyncIterator[View]:
    """Yield what to show while the question is answered; faults become one line, none is raised.

    Args:
        twin: who is asked.
        question: as it was typed.
        author: a slug, or empty for the author that the question names.
        preset: the name of one of the presets.
    """
    pieces: list[Piece] = []
    how = ""
    answering = status_html("Answering…")
    yield View(status_html("Looking through the index…"))
    try:
        options = replace(PRESETS[preset], author=author or None)
        stream: Any = twin.stream(question, options, through="page")
        async with aclosing(stream):
            async for event in stream:
                match event:
                    case Retrieval():
                        how = _how(twin, event, event.trace)
                    case Piece():
                        pieces.append(event)
                        answer = rendering.render_partial_answer(question, pieces)
                        yield View(answering, answer, how=how)
                    case Answer():
                        yield View(
                            answer=rendering.render_answer(event, pieces),
                            sources=rendering.render_sources(event.sources, event.retrieval.index),
                            how=_how(twin, event.retrieval, event.trace),
                        )
    except TwinError as error:
        yield View(answer=rendering.render_error(str(error)))
    except Exception:
        _log.exception("A question could not be answered")
        yield View(answer=rendering.render_error(FAILED))


def ask_tab(twin: Twin, page: gr.Blocks) -> None:
    """Make the tab's components and what they do."""
    with gr.Column():
        with gr.Row(elem_id="twin-ask"):
            question = gr.Textbox(
                label="Your question",
                placeholder="What would you like to know?",
                lines=1,
                max_lines=6,
                autofocus=True,
                elem_id="twin-question",
            )
            author = gr.Dropdown([_AUTOMATIC], value="", label="Author", elem_id="twin-author")
            preset = gr.Dropdown(_PRESETS, value="balanced", label="Search", elem_id="twin-preset")
            ask = gr.Button("Ask", variant="primary", elem_id="twin-send")
            stop = gr.Button("Stop", visible=False, elem_id="twin-stop")
            status = html(View().status, elem_id="twin-status")
        with gr.Column(elem_id="twin-result"):
            answer = html(elem_id="twin-answer")
            sources = html(elem_id="twin-sources")
            how = html(elem_id="twin-how")

        def buttons(answering: bool) -> tuple[gr.Button, gr.Button]:
            return gr.Button(interactive=not answering), gr.Button(visible=answering)

        async def on_ask(question: str, author: str, preset: str) -> AsyncIterator[tuple[Any, ...]]:
            view = View()
            views: Any = answer_views(twin, question, author, preset)
            async with aclosing(views):
                async for view in views:
                    yield *astuple(view), *buttons(answering=True)
            yield *astuple(view), *buttons(answering=False)

        def on_stop() -> tuple[Any, ...]:
            return status_html("Stopped."), *buttons(answering=False)

        def on_load() -> tuple[gr.Dropdown, str]:
            choices, welcome = opening(twin)
            return gr.Dropdown(choices, value=""), welcome

        asking = gr.on(
            [question.submit, ask.click],
            on_ask,
            [question, author, preset],
            [status, answer, sources, how, ask, stop],
            trigger_mode="once",
            **QUIET,
        )
        stop.click(on_stop, outputs=[status, ask, stop], cancels=[asking], queue=False, **QUIET)
        page.load(on_load, outputs=[author, answer], **QUIET)


def opening(twin: Twin) -> tuple[list[tuple[str, str]], str]:
    """Return the author picker's choices (label, slug) and what to show before a question."""
    try:
        partitions = twin.catalog.served().partitions
    except TwinError as error:
        return [_AUTOMATIC], rendering.render_error(str(error))
    except Exception:
        _log.exception("The served authors could not be read")
        return [_AUTOMATIC], rendering.render_error(FAILED)
    authors = [partition.author for partition in partitions]
    labels = [f"{author.name} (sample)" if author.sample else author.name for author in authors]
    choices = [_AUTOMATIC, *zip(labels, (author.slug for author in authors), strict=True)]
    return choices, rendering.render_welcome(partitions)


def _how(twin: Twin, retrieval: Retrieval, trace: tuple[StageTrace, ...]) -> str:
    return (
        rendering.render_author(retrieval)
        + rendering.render_trace(trace)
        + rendering.render_index(retrieval.index, twin.settings.dagster_link)
    )
