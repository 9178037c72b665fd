"""Indexes: how every author stands, a build requested, an earlier version served, and a map."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from time import time
from typing import Any

import gradio as gr
from anyio import to_thread

from twin_assets.errors import TwinError
from twin_serving.overview import State
from twin_serving.page.components import FAILED, QUIET, html
from twin_serving.page.html import fault_html, status_html
from twin_serving.page.index_table import Shown
from twin_serving.page.indexes_view import IndexesView, Runs

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0  # how often the progress of a build is read


class _Handlers:
    """What the tab does when it is chosen, typed into, clicked, or a second has gone by."""

    def __init__(self, view: IndexesView) -> None:
        self._view = view

    async def open(self, shown: Shown, runs: Runs) -> tuple[Any, ...]:
        """Return the summary, the table, the builds, and nothing to be said."""
        return *await self.follow(shown, runs), ""

    async def states(self, shown: Shown) -> str:
        """Return the summary, once all authors' states have been read."""
        return await to_thread.run_sync(lambda: self._view.summary(shown, anew=True))

    async def map(self, lit: tuple[str, ...]) -> str:
        """Return the map."""
        return await to_thread.run_sync(self._view.map, lit)

    async def filter(self, words: str, shown: Shown, runs: Runs) -> tuple[Any, ...]:
        """Return what is shown, and the table, of the authors whose names fit."""
        shown = Shown(words=words, state=shown.state)
        return shown, await to_thread.run_sync(self._view.table, shown, runs)

    async def only(self, event: gr.EventData, shown: Shown, runs: Runs) -> tuple[Any, ...]:
        """Return what is shown, summary and table, of the authors that stand so, or of all."""
        state = State(event.state)
        shown = Shown(words=shown.words, state=None if shown.state is state else state)
        return shown, *await self._rows(shown, runs)

    async def act(
        self, event: gr.EventData, request: gr.Request, shown: Shown, runs: Runs
    ) -> tuple[Any, ...]:
        """Do what a button of the table says; return everything but the map."""
        line, words = "", gr.skip()
        match event.act:
            case "open":
                is_open = shown.opened == event.author
                shown = replace(shown, opened=None if is_open else event.author, confirm=None)
            case "page":
                shown = replace(shown, page=int(event.page), opened=None, confirm=None)
            case "all":
                shown, words = Shown(), ""
            case "confirm":
                shown = replace(shown, confirm=event.version)
            case "keep":
                shown = replace(shown, confirm=None)
            case "serve":
                shown = replace(shown, confirm=None)
                line = await to_thread.run_sync(
                    self._view.serve, event.author, event.version, request.username
                )
            case "build":  # has a handler of its own, which waits for Dagster
                return (gr.skip(),) * 8
        runs, progress = await self._follow(runs)
        return shown, words, *await self._rows(shown, runs), *progress, line

    async def build(
        self, event: gr.EventData, shown: Shown, runs: Runs
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Request what a build button asks for; yield what is said, the table, and the time."""
        if event.act != "build":
            yield (gr.skip(),) * 3
            return
        with self._view.asking(event.author):
            yield "", await to_thread.run_sync(self._view.table, shown, runs), gr.skip()
            line = await self._request(event.author)
        yield line, gr.skip(), time()

    async def follow(self, shown: Shown, runs: Runs) -> tuple[Any, ...]:
        """Return summary, table and builds as they are now."""
        runs, progress = await self._follow(runs)
        return *await self._rows(shown, runs), *progress

    async def tick(self, shown: Shown, runs: Runs) -> tuple[Any, ...]:
        """Return the builds, and summary and table too where one has ended since."""
        before = {run.run_id for run in runs if run.has_ended}
        runs, progress = await self._follow(runs)
        if all(run.run_id in before for run in runs if run.has_ended):
            return gr.skip(), gr.skip(), *progress
        table = await to_thread.run_sync(self._view.table, shown, runs)
        return await self.states(shown), table, *progress

    async def _request(self, author: str) -> str:
        try:
            await self._view.builds.request(author)
        except TwinError as error:
            return fault_html(str(error))
        except Exception:
            _log.exception("A build could not be requested")
            return fault_html(FAILED)
        return ""

    async def _follow(self, runs: Runs) -> tuple[Runs, tuple[Any, ...]]:
        """Return how far the runs are now, and what the tab's builds, runs and timer are then."""
        runs = await to_thread.run_sync(self._view.look, runs)
        progress = await to_thread.run_sync(self._view.builds_html, runs)
        is_over = all(run.has_ended for run in runs)
        return runs, (progress, runs, gr.Timer(active=not is_over))

    async def _rows(self, shown: Shown, runs: Runs) -> tuple[str, str]:
        return (
            await to_thread.run_sync(self._view.summary, shown),
            await to_thread.run_sync(self._view.table, shown, runs),
        )


def indexes_tab(view: IndexesView, tab: gr.Tab, lit: gr.State) -> None:
    """Make the tab's components and what they do; nothing is read before it is chosen.

    Args:
        view: what is shown.
        tab: the tab, which is open for its components.
        lit: the ids of the chunks that the last question found, a tuple.
    """
    with gr.Column(elem_id="twin-indexes"):
        with gr.Row(elem_id="twin-indexes-head"):
            summary = html(status_html("Reading…"), elem_id="twin-indexes-summary", acts=True)
            words = gr.Textbox(
                label="Filter authors",
                placeholder="part of a name",
                max_lines=1,
                elem_id="twin-indexes-filter",
            )
        said = html(elem_id="twin-indexes-said")
        builds = html(elem_id="twin-builds")
        table = html(elem_id="twin-indexes-table", acts=True)
        drawn = html(elem_id="twin-map")
    shown, runs = gr.State(Shown()), gr.State(())
    requested = gr.State(0.0)  # when Dagster last answered a request
    timer = gr.Timer(_EVERY_SECONDS, active=False)
    followed = [builds, runs, timer]
    on = _Handlers(view)

    now = [summary, table, *followed]
    opened = tab.select(on.open, [shown, runs], [*now, said], **QUIET)
    opened.then(on.states, shown, summary, **QUIET).then(on.map, lit, drawn, **QUIET)
    words.change(
        on.filter, [words, shown, runs], [shown, table], trigger_mode="always_last", **QUIET
    )
    summary.click(on.only, [shown, runs], [shown, summary, table], **QUIET)
    every: dict[str, Any] = {"trigger_mode": "multiple", **QUIET}  # no click waits for another
    table.click(on.act, [shown, runs], [shown, words, *now, said], **every)
    table.click(on.build, [shown, runs], [said, table, requested], **every)
    # not with what was shown before Dagster answered: the reader has gone on
    requested.change(on.follow, [shown, runs], now, **every)
    timer.tick(on.tick, [shown, runs], now, trigger_mode="once", **QUIET)
