"""The page: a question in, a cited answer out, and how it was found. Served by FastAPI."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from twin_assets.errors import TwinError
from twin_serving import rendering
from twin_serving.answering import Piece
from twin_serving.answers import Answer
from twin_serving.page_api import add_endpoints
from twin_serving.retrieval import PRESETS, Retrieval, StageTrace
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_AUTOMATIC = ("Automatic", "")
_PRESETS = [(name.title(), name) for name in PRESETS]
_BARE: dict[str, Any] = {"js_on_load": None, "apply_default_css": False}  # our own HTML and style
_FAILED = "Something went wrong; see the server's log."

_HEADER = """<header>
<h1>Twin</h1>
<p>Ask what your authors have written about. Every answer cites its sources and shows how they were
found.</p>
</header>"""

# A citation opens its source. A plain fragment link would be resolved against the <base> that
# Gradio sets, and would not open a closed <details>.
_SCRIPT = """<script>
document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("a.cite");
  const source = chip && document.querySelector(chip.getAttribute("href"));
  if (chip) event.preventDefault();
  if (!source) return;
  source.open = true;
  source.querySelector("summary").focus({ preventScroll: true });
  source.scrollIntoView({ block: "start" });
  source.querySelector("mark")?.scrollIntoView({ block: "nearest" });
});
</script>"""


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows under the question, as HTML."""

    status: str = rendering.render_status("")
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
    answering = rendering.render_status("Answering…")
    yield View(rendering.render_status("Looking through the index…"))
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
        yield View(answer=rendering.render_error(_FAILED))


def build_page(twin: Twin) -> gr.Blocks:
    """Return the page's components and what they do."""
    page = gr.Blocks(title="Twin", analytics_enabled=False)
    with page:
        gr.HTML(_HEADER, **_BARE, elem_id="twin-header")
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
            status = gr.HTML(View().status, **_BARE, elem_id="twin-status")
        with gr.Column(elem_id="twin-result"):
            answer = gr.HTML(**_BARE, elem_id="twin-answer")
            sources = gr.HTML(**_BARE, elem_id="twin-sources")
            how = gr.HTML(**_BARE, elem_id="twin-how")

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
            return rendering.render_status("Stopped."), *buttons(answering=False)

        def on_load() -> tuple[gr.Dropdown, str]:
            choices, welcome = opening(twin)
            return gr.Dropdown(choices, value=""), welcome

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asking = gr.on(
            [question.submit, ask.click],
            on_ask,
            [question, author, preset],
            [status, answer, sources, how, ask, stop],
            trigger_mode="once",
            **quiet,
        )
        stop.click(on_stop, outputs=[status, ask, stop], cancels=[asking], queue=False, **quiet)
        page.load(on_load, outputs=[author, answer], **quiet)
        add_endpoints(twin)
    page.queue(default_concurrency_limit=None, api_open=False)  # the twin limits itself
    return page


def opening(twin: Twin) -> tuple[list[tuple[str, str]], str]:
    """Return the author picker's choices (label, slug) and what to show before a question."""
    try:
        partitions = twin.catalog.served().partitions
    except TwinError as error:
        return [_AUTOMATIC], rendering.render_error(str(error))
    except Exception:
        _log.exception("The served authors could not be read")
        return [_AUTOMATIC], rendering.render_error(_FAILED)
    authors = [partition.author for partition in partitions]
    labels = [f"{author.name} (sample)" if author.sample else author.name for author in authors]
    choices = [_AUTOMATIC, *zip(labels, (author.slug for author in authors), strict=True)]
    return choices, rendering.render_welcome(partitions)


def mount_page(app: FastAPI, twin: Twin) -> None:
    """Serve the page at ``/``; routes that the application has already go first."""
    gr.mount_gradio_app(
        app,
        build_page(twin),
        path="/",
        theme=_theme(),
        css_paths=[Path(__file__).with_name(name) for name in ("page.css", "result.css")],
        head=_SCRIPT,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        max_file_size=0,
    )


def _how(twin: Twin, retrieval: Retrieval, trace: tuple[StageTrace, ...]) -> str:
    return (
        rendering.render_author(retrieval)
        + rendering.render_trace(trace)
        + rendering.render_index(retrieval.index, twin.settings.dagster_link)
    )


def _theme() -> gr.themes.Base:
    """Return Gradio's plain theme in the page's colours, with the system's fonts."""
    return gr.themes.Base(
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#171614",
        body_text_color="#1f1d1a",
        body_text_color_dark="#ece8df",
    )
