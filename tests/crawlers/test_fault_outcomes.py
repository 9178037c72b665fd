"""Every fault is its own link's outcome, on record, while the links beside it succeed."""

import gzip
from collections.abc import Callable
from contextlib import closing

import pytest
from builders import ADA
from webserver import (
    Answer,
    LocalNetwork,
    Page,
    WebServer,
    endless,
    gzip_bomb,
    in_turn,
    redirect,
)
from written import article

from twin_assets.crawlers.article import ArticleCrawler
from twin_assets.crawlers.crawl import crawl_author
from twin_assets.documents import Author, Outcome
from twin_assets.raw_store.sqlite import SqliteRawStore

BAD = "https://bad.example/a"
GOOD = ("https://blog.example/a", "https://other.example/b")
METADATA = "169.254.169.254"  # where clouds tell a machine its secrets
TIMES = {"read_seconds": 0.2, "connect_seconds": 0.2, "delay_seconds": 0.0}
PAGE = Answer(article("On ropes", "ropes"))


def bytes_in(charset: str, declared: str | None) -> Answer:
    text = article("Über Täue", "Täue").replace("<head>", "<head><!-- -->")
    kind = f"text/html; charset={declared}" if declared else "text/html"
    return Answer(text.encode(charset), type=kind)


PAGES: dict[str, tuple[Page, Outcome, str]] = {
    "404": (Answer("", 404), Outcome.GONE, "404"),
    "410": (Answer("", 410), Outcome.GONE, "410"),
    "429 for long": (Answer("", 429, headers={"Retry-After": "9000"}), Outcome.FAILED, "pause"),
    "429 for a while": (
        in_turn(Answer("", 429, headers={"Retry-After": "7"}), PAGE),
        Outcome.NEW,
        "",
    ),
    "500s that recover": (in_turn(Answer("", 500), Answer("", 502), PAGE), Outcome.NEW, ""),
    "500s that don't": (Answer("", 500), Outcome.FAILED, "500"),
    "a body without end": (endless(), Outcome.FAILED, "larger than"),
    "a gzip bomb": (gzip_bomb(), Outcome.FAILED, "larger than"),
    "a broken gzip": (
        Answer(gzip.compress(b"<p>words" * 500)[:-40], headers={"Content-Encoding": "gzip"}),
        Outcome.FAILED,
        "",
    ),
    "a redirect loop": (redirect(BAD), Outcome.FAILED, "redirect"),
    "a redirect to a private address": (
        redirect(f"http://{METADATA}/latest/meta-data/"),
        Outcome.REFUSED,
        "not on the public",
    ),
    "a redirect to a name that leads to one": (
        redirect("https://inside.example/"),
        Outcome.REFUSED,
        "not on the public",
    ),
    "a wrong charset": (bytes_in("latin-1", "utf-8"), Outcome.NEW, ""),
    "no charset": (bytes_in("latin-1", None), Outcome.NEW, ""),
    "broken HTML": (
        Answer(article("On ropes", "ropes").replace("</p>", "").replace("</article>", "<b")),
        Outcome.NEW,
        "",
    ),
    "an empty page": (Answer(""), Outcome.FAILED, ""),
    "a login wall": (Answer("", 401), Outcome.REFUSED, "login"),
    "a PDF": (Answer(b"%PDF-1.7", type="application/pdf"), Outcome.FAILED, "pdf"),
}


@pytest.fixture
def outcome_of(network: LocalNetwork, site, make_client, tmp_path) -> Callable[[], tuple]:
    """Crawl the bad link between two good ones, and return its outcome and detail."""
    network.names |= {"inside.example": ["10.0.0.7"], METADATA: [METADATA]}
    for link in GOOD:
        host, path = link.removeprefix("https://").split("/")
        site(host).add(f"/{path}", article(f"On {host}", host))

    def run() -> tuple[Outcome, str]:
        author = Author(ADA.slug, ADA.name, sources=(GOOD[0], BAD, GOOD[1]))
        with closing(SqliteRawStore(tmp_path / "raw.db")) as store:
            store.put_author(author)
            crawl_author(author, store, [ArticleCrawler(make_client(**TIMES))])
            visits = store.visits(author.slug)
            links = {document.link for document in store.documents(author.slug)}
        assert visits.keys() == {BAD, *GOOD}
        assert {visits[link].outcome for link in GOOD} == {Outcome.NEW}
        assert links >= set(GOOD)
        assert (BAD in links) == (visits[BAD].outcome is Outcome.NEW)
        assert "\n" not in visits[BAD].detail
        return visits[BAD].outcome, visits[BAD].detail

    return run


@pytest.mark.parametrize("fault", PAGES)
def test_a_page_with_a_fault(fault: str, site, outcome_of) -> None:
    page, expected, words = PAGES[fault]
    site("bad.example").add("/a", page)
    outcome, detail = outcome_of()
    assert outcome is expected
    assert words.casefold() in detail.casefold()


def test_a_connection_that_stalls(site, outcome_of) -> None:
    server: WebServer = site("bad.example")
    server.add("/a", server.stall)
    assert outcome_of()[0] is Outcome.FAILED


def test_a_robots_txt_that_forbids(site, outcome_of) -> None:
    server: WebServer = site("bad.example")
    server.add("/robots.txt", Answer("User-agent: *\nDisallow: /", type="text/plain"))
    server.add("/a", PAGE)
    outcome, detail = outcome_of()
    assert outcome is Outcome.REFUSED
    assert "robots.txt" in detail
    assert server.targets() == []


def test_a_robots_txt_that_never_answers(site, outcome_of) -> None:
    server: WebServer = site("bad.example")
    server.add("/robots.txt", server.stall)
    server.add("/a", PAGE)
    assert outcome_of()[0] is not Outcome.NEW
    assert server.targets() == []


def test_a_name_that_leads_to_a_private_address(network: LocalNetwork, outcome_of) -> None:
    network.names["bad.example"] = ["192.168.1.20"]
    outcome, detail = outcome_of()
    assert outcome is Outcome.REFUSED
    assert "not on the public" in detail


def test_a_name_that_nobody_knows(outcome_of) -> None:
    assert outcome_of()[0] is Outcome.FAILED
