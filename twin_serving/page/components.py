"""Gradio's components as this page uses them."""

import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from twin_assets.errors import TwinError
from twin_serving.page.html import fault_html

_log = logging.getLogger(__name__)

FAILED = "Something went wrong; see the server's log."

# Our handlers are no API: there is one already.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

# Buttons in HTML of ours say what they do in data attributes: <button data-act="rollback" ...>.
_ACTS = """element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) trigger("click", { ...button.dataset });
});"""


def html(value: str = "", *, elem_id: str, acts: bool = False, **more: Any) -> gr.HTML:
    """Return a place for HTML of ours, in our own style.

    Args:
        value: the HTML.
        elem_id: the element's id.
        acts: whether ``click`` fires for its buttons that have a ``data-act``; the handler gets
            their data attributes from a ``gr.EventData``.
        more: further arguments of ``gr.HTML``.
    """
    script = _ACTS if acts else None
    return gr.HTML(value, js_on_load=script, apply_default_css=False, elem_id=elem_id, **more)


def or_fault(render: Callable[[], str]) -> str:
    """Return the HTML that ``render`` makes, or one line that says why there is none."""
    try:
        return render()
    except TwinError as error:
        return fault_html(str(error))
    except Exception:
        _log.exception("A part of the page could not be made")
        return fault_html(FAILED)
