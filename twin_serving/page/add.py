"""Add: an author and sources, or an upload, checked before it is stored, and followed from then."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from twin_assets.errors import BadInputError, TwinError
from twin_assets.raw_store.jsonl import storable
from twin_assets.settings import TwinSettings
from twin_serving.adding import Wanted, check, store
from twin_serving.builds import Builds
from twin_serving.page.add_views import (
    render_added,
    render_checked,
    render_hints,
    render_progress,
)
from twin_serving.page.components import FAILED, QUIET, html, or_fault
from twin_serving.page.html import fault_html, status_html
from twin_serving.progress import ProgressReader, Stage
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_POLL_SECONDS = 3
_FOLLOWED = 3  # authors of one file whose progress is shown
_OVER = (Stage.READY, Stage.FAILED)
_ONCE: dict[str, Any] = {**QUIET, "trigger_mode": "once"}


@dataclass(frozen=True, slots=True)
class Following:
    """The authors (slugs) whose progress is shown, and when they were added."""

    authors: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class View:
    """What the tab shows under the form, as HTML, and whom it follows once they are stored."""

    status: str
    report: str = ""
    following: Following | None = None


def check_views(settings: TwinSettings, wanted: Wanted) -> Iterator[View]:
    """Yield what to show while it is looked at; faults become one line, none is raised."""
    yield View(status_html("Looking at it…"))
    report = or_fault(lambda: render_checked(check(settings, wanted), wanted))
    yield View(status_html("Checked; nothing is stored yet."), report)


def add_views(settings: TwinSettings, wanted: Wanted) -> Iterator[View]:
    """Yield what to show while it is checked and stored, as :func:`check_views` does."""
    yield View(status_html("Checking and storing…"))
    since = datetime.now(UTC)
    try:
        checked = check(settings, wanted)
        if checked.faults:
            yield View(status_html("Nothing was stored."), render_checked(checked, wanted))
            return
        added = store(settings, wanted, checked)
    except TwinError as error:
        yield View(status_html(""), fault_html(str(error)))
    except Exception:
        _log.exception("Something could not be added")
        yield View(status_html(""), fault_html(FAILED))
    else:
        slugs = tuple(author.slug for author in added.authors[:_FOLLOWED])
        report = render_added(added, _FOLLOWED)
        yield View(status_html("Stored."), report, Following(slugs, since))


def follow(reader: ProgressReader, following: Following, dagster_link: str) -> tuple[str, bool]:
    """Return the progress as HTML, and whether there is more to come."""
    goes_on = True

    def render() -> str:
        nonlocal goes_on
        try:
            all_ = [reader.read(author, following.since) for author in following.authors]
        except BadInputError:  # other faults may pass
            goes_on = False
            raise
        goes_on = any(one.stage not in _OVER for one in all_)
        return "".join(render_progress(one, dagster_link) for one in all_)

    return or_fault(render), goes_on


async def request_builds(builds: Builds, following: Following | None) -> None:
    """Have Dagster build what was added at once; if it does not, the progress says what to do."""
    for author in following.authors if following else ():
        try:
            await builds.request(author)
        except TwinError as error:
            _log.info("The build of %s was not requested: %s", author, error)
        except Exception:
            _log.exception("The build of %s could not be requested", author)


def add_tab(twin: Twin, builds: Builds) -> gr.HTML:
    """Make the tab's components and what they do; return the one with the buttons that ask."""
    settings = twin.settings
    reader = ProgressReader(settings, twin.catalog)
    with gr.Row(elem_id="twin-add"):
        with gr.Column():
            fields = _form()
            with gr.Row(elem_id="twin-add-buttons"):
                look = gr.Button("Check", elem_id="twin-check")
                add = gr.Button("Add", variant="primary", elem_id="twin-add-send")
                status = html(status_html(""), elem_id="twin-add-status")
        with gr.Column():
            report = html(render_hints(settings.upload_megabytes), elem_id="twin-add-report")
            progress = html(elem_id="twin-add-progress", acts=True)
    following = gr.State(None)
    stored = gr.State(None)  # what the last press of Add stored, to be followed
    timer = gr.Timer(_POLL_SECONDS, active=False)

    def on_check(*values: Any) -> Iterator[tuple[str, str]]:
        for view in check_views(settings, wanted_from(*values)):
            yield view.status, view.report

    def on_add(*values: Any) -> Iterator[tuple[Any, ...]]:
        wanted = wanted_from(*values)
        for view in add_views(settings, wanted):
            anew: list[Any] = [gr.skip()] * len(changed)
            if view.following is not None:  # else what was stored before is followed further
                _remove(wanted.upload)
                anew = ["", "", "", None, "", view.following, gr.Timer(active=True)]
            yield view.status, view.report, *anew, view.following

    async def on_added(stored: Following | None) -> None:
        await request_builds(builds, stored)

    def on_tick(following: Following | None) -> tuple[Any, gr.Timer]:
        if following is None:
            return gr.skip(), gr.Timer(active=False)
        shown, goes_on = follow(reader, following, settings.dagster_link)
        return shown, gr.Timer(active=goes_on)

    # without Gradio's own reading of the file's value, which leaves an empty file behind each time
    raw: dict[str, Any] = {**_ONCE, "preprocess": False}
    look.click(on_check, fields, [status, report], **raw)
    changed = [*fields, progress, following, timer]
    added = add.click(on_add, fields, [status, report, *changed, stored], **raw)
    added.then(on_added, stored, **_ONCE)
    timer.tick(on_tick, [following], [progress, timer], **_ONCE)
    return progress


def _form() -> list[gr.components.Component]:
    name = gr.Textbox(label="Author's full name", max_lines=1)
    aliases = gr.Textbox(label="Other names, with commas between (optional)", max_lines=1)
    links = gr.Textbox(label="Links, one a line", lines=3, max_lines=12)
    with gr.Column(elem_id="twin-upload-field"):
        html('<p class="file-label">Or a file</p>', elem_id="twin-upload-label")
        file = gr.File(label="File", height=76, elem_id="twin-upload")
    return [name, aliases, links, file]


def wanted_from(name: Any, aliases: Any, links: Any, file: Any) -> Wanted:
    """Return what was filled in, from the components' values as the browser sends them.

    Gradio has made sure that the file's path is one that was uploaded.
    """
    return Wanted(
        name=_text(name).strip(),
        aliases=_filled(" ".join(one.split()) for one in _text(aliases).split(",")),
        links=_filled(one.strip() for one in _text(links).splitlines()),
        upload=Path(file["path"]) if file else None,
    )


def _text(value: Any) -> str:
    return storable(str(value or ""))


def _filled(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _remove(upload: Path | None) -> None:
    """Remove Gradio's copy of the upload, and the folder that it made for it."""
    if upload is None:
        return
    try:
        upload.unlink(missing_ok=True)
        upload.parent.rmdir()
    except OSError:  # it goes at the latest when the page ends
        _log.warning("The temporary file of an upload could not be removed")
