"""The page: one module a tab, over the same twin as the HTTP API. Served by FastAPI at ``/``."""

from collections.abc import Callable, Mapping
from hmac import compare_digest
from html import escape
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from twin_serving.page.activity import activity_tab
from twin_serving.page.add import add_tab
from twin_serving.page.ask import AskTab
from twin_serving.page.compare import compare_tab
from twin_serving.page.components import QUIET, html
from twin_serving.page.indexes import indexes_tab
from twin_serving.page.indexes_view import IndexesView
from twin_serving.page.why import NO_ANSWER
from twin_serving.page_api import add_endpoints
from twin_serving.twin import Twin

_FOLDER = Path(__file__).parent
_ABANDONED = (3600, 86_400)  # seconds: how often uploads are looked at, and how old is too old
_HEADER = """<header>
<h1>Twin</h1>
<p>Ask what your authors have written about. Every answer cites its sources and shows how they were
found.</p>
</header>"""


def build_page(twin: Twin) -> gr.Blocks:
    """Return the page's components and what they do."""
    view = IndexesView(twin)
    page = gr.Blocks(title="Twin", analytics_enabled=False, delete_cache=_ABANDONED)
    with page:
        html(_HEADER, elem_id="twin-header")
        if twin.settings.accounts:
            page.load(_signed_in, outputs=html(elem_id="twin-who"), **QUIET)
        found = gr.State(())  # the ids of the chunks that the last question found
        with gr.Tabs(elem_id="twin-tabs", overflow_behavior="wrap") as tabs:
            ask = gr.Tab("Ask", id="ask")
            with gr.Tab("Why", id="why"):
                why = html(NO_ANSWER, elem_id="twin-why")
            with gr.Tab("Compare", id="compare"):
                compare_tab(twin)
            with gr.Tab("Indexes", id="indexes") as indexes:
                indexes_tab(view, indexes, found)
            with gr.Tab("Add", id="add"):
                added = add_tab(twin, view.builds)
            with gr.Tab("Activity", id="activity") as activity:
                activity_tab(twin, activity)
            with ask:
                AskTab(twin, page, tabs, why, found).follow(ask, added)
        add_endpoints(twin)
    page.queue(default_concurrency_limit=None, api_open=False)  # the twin limits itself
    return page


def mount_page(app: FastAPI, twin: Twin) -> None:
    """Serve the page at ``/``; routes that the application has already go first."""
    page = build_page(twin)
    # else Gradio believes a visitor that any file of this machine is one that was uploaded
    page.has_launched = True
    scripts = [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.js"))]
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=_theme(),
        css_paths=sorted((_FOLDER / "style").glob("*.css")),
        head="".join(f"<script>{script}</script>" for script in scripts),
        footer_links=[],
        auth=_may_sign_in(twin.settings.accounts),
        auth_message="Sign in to ask.",
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        max_file_size=twin.settings.upload_megabytes << 20,
    )


def _signed_in(request: gr.Request) -> str:
    """Return who is signed in, and the link that ends it, which is Gradio's."""
    name = escape(request.username or "")
    return f'<p>Signed in as <strong>{name}</strong> <a href="/logout">Sign out</a></p>'


def _may_sign_in(accounts: Mapping[str, str]) -> Callable[[str, str], bool] | None:
    """Return what says whether a name and password may sign in; None where nobody needs to."""

    def may(name: str, password: str) -> bool:
        wanted = accounts.get(name, "")
        return bool(wanted) & compare_digest(password.encode(), wanted.encode())

    return may if accounts else None


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
        # of the form to sign in, which has no style of ours
        button_primary_background_fill="#14606a",
        button_primary_background_fill_dark="#86c8c6",
        button_primary_background_fill_hover="#0e4a52",
        button_primary_background_fill_hover_dark="#a8dcda",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10201f",
    )
