"""Sources through the assets, from a real server: crawled, crawled again, gone."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import dagster as dg
import pytest

from twin_assets.assets.provenance import REVISION, materializations
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author, Outcome
from twin_assets.errors import BadInputError
from twin_assets.partitions import RANGE_END, RANGE_START, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.schedules import build_crawl_schedule
from twin_assets.stores import create_store
from twin_serving.cli.build import link_lines
from twin_serving.cli.launch import build
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

REST = (
    "The keeper of the light trims it at dusk and again at midnight, and writes the hour of each "
    "trimming into a book that her mother began.",
    "When the fog comes in she rings by hand, four strokes to the minute, because the machine that "
    "should do it was never repaired.",
    "In spring the harbour board sends a painter, who is paid by the day and is in no hurry; he "
    "has painted the same wall white for nineteen years.",
)


def page(title: str, text: str) -> bytes:
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in (text, *REST))
    body = f"<article><h1>{title}</h1>{paragraphs}</article>"
    return f"<html lang=en><head><title>{title}</title></head><body>{body}</body></html>".encode()


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A small web server and its pages by path; a page that is not there is 404."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", pages
        server.shutdown()
        thread.join()


@pytest.fixture
def crawling(settings):
    """Settings under which the test's own server may be crawled, and without pauses."""
    return settings.model_copy(update={"crawl_private_addresses": True, "crawl_delay_seconds": 0.0})


def add(settings, *sources: str) -> None:
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("ada", "Ada", sources=sources))


def outcomes(settings) -> dict[str, Outcome]:
    with closing(open_raw_store(settings)) as store:
        return {link: visit.outcome for link, visit in store.visits("ada").items()}


def test_from_a_link_to_an_answer_and_out_of_the_index_again(site, crawling, instance):
    root, pages = site
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    pages["/bell"] = page("The bell", "The bell was cast in 1811 from a church bell that cracked.")
    add(crawling, f"{root}/lamp", f"{root}/bell", f"{root}/missing")

    def run(**options):
        return build(crawling, instance, [], lambda event: None, **options)

    assert run().built == ["ada"]
    assert outcomes(crawling) == {
        f"{root}/lamp": Outcome.NEW,
        f"{root}/bell": Outcome.NEW,
        f"{root}/missing": Outcome.GONE,
    }
    answer = Twin(crawling).ask("Which oil does the lamp burn?", RetrievalOptions())
    assert answer.citations[0].passage.candidate.document.link == f"{root}/lamp"
    record = instance.get_latest_materialization_event(dg.AssetKey("raw_documents"))
    metadata = record.asset_materialization.metadata
    rows = [row.data for row in metadata["links"].records]
    assert {row["outcome"] for row in rows} == {"new", "gone"}
    assert metadata["links gone"].value == 1

    assert run().current == ["ada"]  # what was crawled is not crawled again unasked
    version = create_store("faiss", crawling).serving("ada")
    again = run(crawl=True)
    assert (again.built, again.windows_embedded) == (["ada"], 0)
    assert outcomes(crawling)[f"{root}/lamp"] is Outcome.UNCHANGED
    assert create_store("faiss", crawling).serving("ada") == version

    del pages["/lamp"]
    run(crawl=True)
    assert outcomes(crawling)[f"{root}/lamp"] is Outcome.GONE
    store = create_store("faiss", crawling)
    documents = store.read("ada", store.serving("ada")).documents
    assert [document.title for document in documents] == ["The bell"]


def test_an_author_whose_last_page_is_gone_is_served_without_it(site, crawling, instance):
    root, pages = site
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    add(crawling, f"{root}/lamp")
    assert build(crawling, instance, [], lambda event: None).built == ["ada"]
    del pages["/lamp"]
    report = build(crawling, instance, [], lambda event: None, crawl=True)
    assert (report.built, report.failed) == (["ada"], {})
    answer = Twin(crawling).ask("Which oil does the lamp burn?", RetrievalOptions())
    assert answer.citations == ()
    assert build(crawling, instance, [], lambda event: None).current == ["ada"]
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    build(crawling, instance, [], lambda event: None, crawl=True)
    assert Twin(crawling).ask("Which oil does the lamp burn?", RetrievalOptions()).citations


def test_a_source_that_failed_is_named_until_it_is_crawled_again(site, crawling, instance):
    root, pages = site
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    pages["/bell"] = b"<html></html>"  # nothing to read yet
    add(crawling, f"{root}/lamp", f"{root}/bell")
    assert build(crawling, instance, [], lambda event: None).built == ["ada"]
    assert outcomes(crawling)[f"{root}/bell"] is Outcome.FAILED
    assert build(crawling, instance, [], lambda event: None).current == ["ada"]
    (line,) = link_lines(crawling, ["ada"])
    assert line.startswith("ada: of 2 links, 1 failed; ")
    assert "`twin build --crawl` tries again" in line
    pages["/bell"] = page("The bell", "The bell was cast in 1811 from a church bell that cracked.")
    assert build(crawling, instance, [], lambda event: None, crawl=True).built == ["ada"]
    assert outcomes(crawling)[f"{root}/bell"] is Outcome.NEW
    assert link_lines(crawling, ["ada"]) == []
    assert build(crawling, instance, [], lambda event: None).current == ["ada"]


def test_an_author_none_of_whose_links_can_be_had_says_why(site, crawling, instance):
    root, _ = site
    add(crawling, f"{root}/missing")
    report = build(crawling, instance, [], lambda event: None)
    assert report.built == []
    assert "ada has no documents" in report.failed["ada"]
    assert f"{root}/missing" in report.failed["ada"]


def test_private_addresses_are_refused_unless_a_setting_allows_them(site, settings, instance):
    root, pages = site
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    add(settings, f"{root}/lamp")
    build(settings, instance, [], lambda event: None)
    assert outcomes(settings) == {f"{root}/lamp": Outcome.REFUSED}


@pytest.mark.postgres_too
def test_the_schedule_asks_for_everybody(site, crawling, instance):
    root, pages = site
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    schedule = build_definitions(crawling).get_repository_def().get_schedule_def("crawl_again")

    def tick():
        with dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=datetime(2030, 1, 1, 5, tzinfo=UTC),
            resources={"settings": crawling},
        ) as context:
            return schedule.evaluate_tick(context)

    assert tick().skip_message == "there is no author yet"
    add(crawling, f"{root}/lamp")
    with closing(open_raw_store(crawling)) as store:
        store.put_author(Author("bob", "Bob"))  # who was imported
    register_authors(instance, ["ada", "bob", "gone"])
    (request,) = tick().run_requests
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("ada", "bob")
    assert schedule.cron_schedule == "0 5 * * *"


@pytest.mark.parametrize("cron", ["every day", "61 * * * *", ""])
def test_a_schedule_that_is_none_is_one_clear_line(cron):
    with pytest.raises(BadInputError, match="TWIN_CRAWL_SCHEDULE cannot be used"):
        build_crawl_schedule("job", cron)


def test_the_schedule_can_be_off(crawling):
    off = crawling.model_copy(update={"crawl_schedule": "off"})
    assert not build_definitions(off).get_repository_def().has_schedule_def("crawl_again")


def test_a_new_source_is_news_to_the_sensor(site, crawling, instance):
    root, pages = site
    pages["/lamp"] = page("The lamp", "The lamp burns rape oil, never paraffin.")
    add(crawling, f"{root}/lamp")
    with closing(open_raw_store(crawling)) as store:
        assert store.changed_since(0).keys() == {"ada"}
    build(crawling, instance, [], lambda event: None)
    with closing(open_raw_store(crawling)) as store:
        recorded = materializations(instance, "raw_documents", "ada")[0]
        assert recorded.tags[REVISION] == str(store.revision("ada"))  # nothing is left to request
