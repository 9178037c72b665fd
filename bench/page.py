"""The page in a real browser, over many authors: how long it takes to open, and each tab to answer.

The home goes through the real assets; only the model is spared, for the vectors are drawn at random
and put where those of texts that it has read before are kept. The baseline, in the same run, is the
same page over ten authors. Times are from the click until what it asks for can be seen.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright
from reporting import arguments, show

from twin_assets.assets.chunks import chunk_documents, window_chunks
from twin_assets.assets.cleaned import clean_author
from twin_assets.documents import Author, Category, RawDocument
from twin_assets.embedding import embedder_for
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.vector_cache import VectorCache
from twin_serving.audit import AuditEntry, open_audit_log
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build

_DOCUMENTS = 100  # an author's, of a chunk each
_WORDS = ("the", "pilot", "reads", "a", "tide", "table", "and", "writes", "its", "figure", "log")
_TIMES = 3
_STARTED_WITHIN = 120.0
_WAIT_MS = 120_000.0
Row = Mapping[str, object]


def fill(settings: TwinSettings, authors: int) -> None:
    """Write the authors and their documents, and the vectors of what the model would read."""
    random = np.random.default_rng(7)
    embedder = embedder_for(settings)
    folder = settings.vectors_path
    with (
        closing(open_raw_store(settings)) as store,
        closing(VectorCache(folder, embedder.fingerprint, embedder.dimension)) as cache,
    ):
        for number in range(authors):
            author = f"pilot-{number:05}"
            store.put_author(Author(author, f"Pilot Number {number}"))
            store.upsert(document(author, one) for one in range(_DOCUMENTS))
            documents, _ = clean_author(store, author)
            windows = window_chunks(chunk_documents(documents, settings), settings)
            drawn = random.normal(size=(len(windows), embedder.dimension)).astype(np.float32)
            drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
            cache.put({one.reading_hash: row for one, row in zip(windows, drawn, strict=True)})


def document(author: str, number: int) -> RawDocument:
    """Return one of the author's documents, of about 40 words that no other document has."""
    words = " ".join(Random(f"{author} {number}").choices(_WORDS, k=40))  # noqa: S311
    return RawDocument(
        author,
        "blog",
        Category.ARTICLE,
        f"https://pilot.example/{author}/{number}",
        f"Entry {number} of {author}",
        f"Entry {number}. {words}.",
    )


@contextmanager
def served(settings: TwinSettings) -> Iterator[str]:
    """Serve the page in a process of its own; yield its address once it is ready."""
    environment = {**os.environ, "TWIN_HOME": str(settings.root), "TWIN_PAGE_PORT": "7969"}
    address = "http://127.0.0.1:7969"
    server = Path(__file__).parent.parent / "gradio_app.py"
    with subprocess.Popen([sys.executable, str(server)], env=environment) as process:
        try:
            deadline = perf_counter() + _STARTED_WITHIN
            while perf_counter() < deadline:
                try:
                    if httpx.get(f"{address}/readyz", timeout=60).is_success:
                        break
                except httpx.TransportError:
                    pass
                sleep(0.5)
            yield address
        finally:
            process.terminate()


def seconds_until(act: Callable[[], object], page: Page, selector: str) -> float:
    """Return how long it takes from an act until the selector can be seen."""
    started = perf_counter()
    act()
    page.locator(selector).first.wait_for(timeout=_WAIT_MS)
    return perf_counter() - started


def measure(address: str, page: Page) -> dict[str, float]:
    """Open the page, ask, and open each tab once; return the seconds of each."""
    figures = {"opening": seconds_until(lambda: page.goto(address), page, ".welcome")}
    page.get_by_label("Search", exact=True).click()
    page.get_by_role("option", name="Fast").click()
    page.get_by_label("Your question").fill("What does Pilot Number 7 write about Entry 3?")
    press = page.get_by_role("button", name="Ask", exact=True).click
    figures["a question, fast"] = seconds_until(press, page, ".actions")
    for name, selectors in TABS.items():
        tab = page.get_by_role("tab", name=name, exact=True)
        started = perf_counter()
        tab.click()
        for what, selector in selectors.items():
            page.locator(selector).first.wait_for(timeout=_WAIT_MS)
            figures[f"tab {name}{what}"] = perf_counter() - started
    return figures


# What can be seen once a tab has answered, in the order that it comes.
TABS = {
    "Why": {"": ".why svg"},
    "Compare": {"": "#twin-compare-question"},
    "Indexes": {
        "": "#twin-indexes-table tbody tr",
        ", how many are stale": "#twin-indexes-summary button",
        ", the map": "#twin-map svg",
    },
    "Add": {"": "#twin-add textarea"},
    "Activity": {"": "#twin-activity-result svg"},
}


def fill_audit(settings: TwinSettings, questions: int) -> None:
    """Leave so many questions of the last 25 days in the audit trail."""
    log, now, random = open_audit_log(settings), datetime.now(UTC), Random(7)  # noqa: S311
    for number in range(questions):
        log.record(
            AuditEntry(
                id=f"{number:032x}",
                at=(now - timedelta(minutes=random.randrange(36_000))).isoformat(),
                through="page",
                question="What does the log say?",
                authors=("pilot-00007",),
                stages={"search": 0.02, "generation": 0.1},
                seconds=random.uniform(0.1, 2.0),
                chunk_ids=("chunk",),
                provider="extractive",
                answer="The pilot reads a tide table.",
                compliant=True,
            )
        )


def measure_authors(authors: int) -> list[Row]:
    """Return a row for each thing that was waited for, over so many authors."""
    chromium = os.environ.get("TWIN_CHROMIUM") or shutil.which("chromium")
    with TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home", _env_file=None)
        fill(settings, authors)
        with open_instance(settings) as instance:
            report = build(settings, instance, [], lambda event: None)
        assert not report.failed  # noqa: S101  # nothing to measure then
        fill_audit(settings, authors)
        measured = []
        with served(settings) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for _ in range(_TIMES):
                page = browser.new_page()
                measured.append(measure(address, page))
                page.close()
            browser.close()
    return [
        {
            "authors": authors,
            "chunks": authors * _DOCUMENTS,
            "what": what,
            "first s": measured[0][what],
            "median s": median(one[what] for one in measured),
        }
        for what in measured[0]
    ]


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--authors", type=int, default=1000, help="authors of 100 chunks each")
    options = parser.parse_args()
    rows = [row for authors in (10, options.authors) for row in measure_authors(authors)]
    columns = ["authors", "chunks", "what", "first s", "median s"]
    compares = f"the page over {options.authors:,} authors, against 10; of {_TIMES} times"
    show({"compares": compares, "rows": rows}, columns, options.json)


if __name__ == "__main__":
    main()
