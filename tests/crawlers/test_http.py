"""The HTTP client when all goes well: manners, conditional requests, redirects, threads."""

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from fetching import SITE, MakeClient, MakeSite
from webserver import Answer, LocalNetwork, ManualTime, Seen, WebServer, in_turn, redirect

from twin_assets.crawlers.http.client import (
    HTML,
    Fetched,
    HttpClient,
    HttpOptions,
    Remembered,
)
from twin_assets.crawlers.http.faults import FetchError, Reason


def test_a_page_comes_with_what_the_server_says_of_it(client: HttpClient, blog: WebServer) -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Mon, 02 Jun 2025 10:00:00 GMT", "Set-Cookie": "a=b"}
    blog.add("/a?b=1", Answer("<p>Grüße</p>", type="Text/HTML; Charset=UTF-8", headers=headers))
    fetched = client.get(f"{SITE}/a?b=1#part", accept=HTML)
    assert fetched.link == f"{SITE}/a?b=1"
    assert not fetched.unchanged
    assert fetched.body == "<p>Grüße</p>".encode()
    assert fetched.text() == "<p>Grüße</p>"
    assert (fetched.content_type, fetched.charset) == ("text/html", "UTF-8")
    assert fetched.remembered == Remembered('"1"', "Mon, 02 Jun 2025 10:00:00 GMT")
    assert fetched.headers["etag"] == '"1"'
    assert "set-cookie" not in fetched.headers


def test_the_client_says_who_it_is_and_sends_no_cookie(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", Answer("a", headers={"Set-Cookie": "session=1"}))
    client.get(f"{SITE}/a")
    client.get(f"{SITE}/a")
    for seen in blog.requests:
        assert seen.headers["user-agent"].startswith("twin/")
        assert seen.host == "blog.example"
        assert "cookie" not in seen.headers


def test_what_is_accepted_is_said(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", "a")
    client.get(f"{SITE}/a", accept=HTML)
    assert blog.requests[-1].headers["accept"] == "text/html, application/xhtml+xml, */*;q=0.1"
    client.get(f"{SITE}/a", headers={"accept": "application/json"})
    assert blog.requests[-1].headers["accept"] == "application/json"


def test_an_unchanged_page_is_one_conditional_request(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", Answer("a", headers={"ETag": '"1"'}))
    first = client.get(f"{SITE}/a")
    again = client.get(f"{SITE}/a", remembered=first.remembered)
    assert again.unchanged
    assert again.body == b""
    assert again.remembered == first.remembered
    assert blog.targets() == ["/a", "/a"]


def test_both_validators_are_sent_and_kept_over_a_bare_304(
    client: HttpClient, blog: WebServer
) -> None:
    blog.add("/a", Answer(status=304, type=None))
    remembered = Remembered('W/"1"', "Mon, 02 Jun 2025 10:00:00 GMT")
    fetched = client.get(f"{SITE}/a", remembered=remembered)
    assert fetched.unchanged
    assert fetched.remembered == remembered
    assert blog.requests[-1].headers["if-none-match"] == 'W/"1"'
    assert blog.requests[-1].headers["if-modified-since"] == "Mon, 02 Jun 2025 10:00:00 GMT"


def test_a_changed_page_comes_whole_with_its_new_validators(
    client: HttpClient, blog: WebServer
) -> None:
    blog.add("/a", Answer("new", headers={"ETag": '"2"'}))
    fetched = client.get(f"{SITE}/a", remembered=Remembered('"1"', "long ago"))
    assert (fetched.unchanged, fetched.text()) == (False, "new")
    assert fetched.remembered == Remembered('"2"', None)


def test_an_etag_that_cannot_be_sent_back_is_not_remembered(
    client: HttpClient, blog: WebServer
) -> None:
    blog.add("/a", Answer("a", headers={"ETag": '"é"'}))
    assert client.get(f"{SITE}/a").remembered == Remembered()


def test_packed_pages_are_unpacked(client: HttpClient, blog: WebServer) -> None:
    packed = gzip.compress(b"one, ") + gzip.compress(b"two")
    blog.add("/a", Answer(packed, headers={"Content-Encoding": "gzip"}))
    assert client.get(f"{SITE}/a").text() == "one, two"


def test_redirects_are_followed_to_the_final_link(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", redirect("b/?x=ä", 301))
    blog.add("/b/?x=%C3%A4", redirect("//blog.example/c#part", 307))
    blog.add("/c", "here")
    fetched = client.get(f"{SITE}/a")
    assert (fetched.link, fetched.text()) == (f"{SITE}/c", "here")


def test_headers_stay_with_the_origin_they_were_meant_for(
    client: HttpClient, blog: WebServer, site: MakeSite
) -> None:
    other = site("files.example")
    blog.add("/a", redirect("/b"))
    blog.add("/b", redirect("https://files.example/c"))
    other.add("/c", redirect(f"{SITE}/d"))
    blog.add("/d", "here")
    client.get(f"{SITE}/a", headers={"Authorization": "Bearer secret", "X-Key": "secret"})
    sent = {seen.target: seen.headers for seen in blog.requests + other.requests}
    assert sent["/a"]["authorization"] == sent["/b"]["authorization"] == "Bearer secret"
    for target in ("/c", "/d", "/robots.txt"):
        assert "secret" not in str(sent[target])


def test_a_downgrade_to_plain_http_is_another_origin(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", redirect("http://blog.example/b"))
    blog.add("/b", "here")
    client.get(f"{SITE}/a", headers={"Authorization": "Bearer secret"})
    assert "authorization" not in blog.requests[-1].headers


def test_a_host_gets_its_pause_after_every_answer(
    make_client: MakeClient, blog: WebServer, site: MakeSite
) -> None:
    other = site("other.example")
    for server in (blog, other):
        server.add("/a", "a")
    client = make_client(delay_seconds=5)
    for link in (f"{SITE}/a", "https://other.example/a", "http://blog.example/a", f"{SITE}/a"):
        client.get(link)
    times = [seen.at for seen in blog.requests]
    pauses = [after - before for before, after in pairwise(times)]
    assert len(pauses) == 4  # the pages, and robots.txt by http and by https
    assert min(pauses) >= 5


def test_a_crawl_delay_is_kept_up_to_the_longest_wait(
    make_client: MakeClient, blog: WebServer
) -> None:
    blog.add("/robots.txt", Answer("User-agent: twin\nCrawl-delay: 7"))
    blog.add("/a", "a")
    client = make_client(delay_seconds=1)
    client.get(f"{SITE}/a")
    assert [seen.at - blog.requests[0].at for seen in blog.requests] == [0, 7]
    blog.requests.clear()
    client = make_client(delay_seconds=1, longest_wait_seconds=3)
    client.get(f"{SITE}/a")
    assert [seen.at - blog.requests[0].at for seen in blog.requests] == [0, 3]


def test_threads_take_turns_at_a_host(client: HttpClient, blog: WebServer) -> None:
    at_once = []
    now = threading.Semaphore(1)

    def page(seen: Seen) -> Answer:
        at_once.append(now.acquire(blocking=False))
        answer = Answer(seen.target)
        if at_once[-1]:
            blog.stopping.wait(0.01)
            now.release()
        return answer

    links = [f"/{number}" for number in range(12)]
    for link in links:
        blog.add(link, page)
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda link: client.get(SITE + link).text(), links))
    assert pages == links
    assert at_once == [True] * 12
    assert [seen.target for seen in blog.requests].count("/robots.txt") == 1


def test_several_hosts_are_asked_at_once(client: HttpClient, site: MakeSite) -> None:
    meeting = threading.Barrier(3, timeout=5)  # breaks unless all three requests are there

    def page(seen: Seen) -> Answer:
        meeting.wait()
        return Answer("met")

    for name in "abc":
        site(f"{name}.example").add("/a", page)
    with ThreadPoolExecutor(3) as pool:
        pages = pool.map(lambda name: client.get(f"https://{name}.example/a").text(), "abc")
        assert list(pages) == ["met"] * 3


def test_a_connection_is_used_again_and_its_certificate_is_the_hosts(
    client: HttpClient, blog: WebServer, network: LocalNetwork
) -> None:
    blog.add("/robots.txt", Answer(""))
    blog.add("/a", "a")
    client.get(f"{SITE}/a")
    client.get(f"{SITE}/a")
    assert network.certificates == ["blog.example"]
    assert network.connected == network.names["blog.example"]


def test_a_file_is_streamed_to_disk(client: HttpClient, blog: WebServer, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    blog.add("/a.tar.gz", Answer(content, type="application/gzip", headers={"ETag": '"1"'}))
    path = tmp_path / "a.tar.gz"
    fetched = client.stream_to(f"{SITE}/a.tar.gz", path, max_bytes=len(content), seconds=60)
    assert path.read_bytes() == content
    assert fetched.body == b""
    again = client.stream_to(
        f"{SITE}/a.tar.gz",
        tmp_path / "again",
        max_bytes=len(content),
        seconds=60,
        remembered=fetched.remembered,
    )
    assert again.unchanged
    assert not (tmp_path / "again").exists()


def test_a_file_that_is_too_large_leaves_nothing(
    client: HttpClient, blog: WebServer, tmp_path: Path
) -> None:
    blog.add("/a", Answer([b"x" * 600] * 2))  # no length is told before
    with pytest.raises(FetchError) as caught:
        client.stream_to(f"{SITE}/a", tmp_path / "a", max_bytes=1000, seconds=60)
    assert caught.value.reason is Reason.TOO_LARGE
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_anew_after_a_connection_that_broke(
    client: HttpClient, blog: WebServer, tmp_path: Path
) -> None:
    broken = Answer(raw=[b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first part"])
    blog.add("/a", in_turn(broken, Answer("whole")))
    client.stream_to(f"{SITE}/a", tmp_path / "a", max_bytes=1000, seconds=60)
    assert (tmp_path / "a").read_text() == "whole"


def test_real_clocks_and_the_real_resolver_reach_a_server_by_its_number() -> None:
    with WebServer() as server, HttpClient(HttpOptions(allow_private=True)) as client:
        server.add("/a", "a")
        fetched: Fetched = client.get(server.link("/a"), api=True)
        assert fetched.text() == "a"
        assert server.requests[0].host == f"127.0.0.1:{server.port}"


def test_the_time_that_turns_take_is_not_the_links(
    make_client: MakeClient, blog: WebServer, time: ManualTime
) -> None:
    blog.add("/a", "a")
    client = make_client(delay_seconds=50, link_seconds=10)
    for _ in range(3):
        assert client.get(f"{SITE}/a").text() == "a"
    assert time.slept == [50, 50, 50]
