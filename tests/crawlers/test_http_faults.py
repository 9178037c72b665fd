"""Each fault a server can have, played by a real one: statuses, pauses, time, size, protocol."""

import gzip
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from fetching import LINK, SITE, MakeClient, MakeSite, fault
from hypothesis import given, settings
from hypothesis import strategies as st
from webserver import Answer, LocalNetwork, ManualTime, Seen, WebServer, endless, gzip_bomb, in_turn

from twin_assets.crawlers.http.client import HttpClient, HttpOptions
from twin_assets.crawlers.http.faults import Reason
from twin_assets.crawlers.http.turns import asked_to_return


@pytest.mark.parametrize(
    ("status", "reason", "requests"),
    [
        (404, Reason.GONE, 1),
        (410, Reason.GONE, 1),
        (401, Reason.LOGIN_WALL, 1),
        (403, Reason.LOGIN_WALL, 1),
        (999, Reason.LOGIN_WALL, 1),
        (400, Reason.REFUSED, 1),
        (451, Reason.REFUSED, 1),
        (408, Reason.SERVER_FAULT, 3),
        (429, Reason.RATE_LIMITED, 3),
        (500, Reason.SERVER_FAULT, 3),
        (503, Reason.SERVER_FAULT, 3),
        (206, Reason.BROKEN, 3),
        (300, Reason.BROKEN, 3),
        (302, Reason.BROKEN, 3),  # without a Location
        (304, Reason.BROKEN, 3),  # without having been asked
    ],
)
def test_what_a_status_means(
    client: HttpClient, blog: WebServer, status: int, reason: Reason, requests: int
) -> None:
    blog.add("/a", Answer("no", status))
    assert fault(client).reason is reason
    assert len(blog.targets()) == requests


def test_a_server_that_recovers_is_asked_again_after_growing_pauses(
    make_client: MakeClient, blog: WebServer
) -> None:
    blog.add("/a", in_turn(Answer(status=500), Answer(status=502), Answer("here")))
    client = make_client(delay_seconds=1, backoff_seconds=4, retries=2)
    assert client.get(LINK).text() == "here"
    first, second, third = (seen.at for seen in blog.requests if seen.target == "/a")
    assert (second - first, third - second) == (4, 8)


def test_a_pause_grows_by_chance(network: LocalNetwork, time: ManualTime, blog: WebServer) -> None:
    blog.add("/a", in_turn(Answer(status=500), Answer("here")))
    with HttpClient(
        HttpOptions(backoff_seconds=4),
        resolve=network.resolve,
        timing=time.timing,
        network=network,
        jitter=lambda: 0.5,
    ) as client:
        client.get(LINK)
    first, second = (seen.at for seen in blog.requests if seen.target == "/a")
    assert second - first == 6


def test_retries_end_with_the_links_time(make_client: MakeClient, blog: WebServer) -> None:
    blog.add("/a", Answer(status=500))
    client = make_client(retries=10, backoff_seconds=4, link_seconds=20)
    assert fault(client).reason is Reason.SERVER_FAULT
    assert len(blog.targets()) == 3  # pauses of 4 and 8 seconds; one of 16 does not fit


@pytest.mark.parametrize("status", [429, 503, 403])
def test_a_retry_after_in_seconds_is_waited_for(
    client: HttpClient, blog: WebServer, status: int
) -> None:
    blog.add("/a", in_turn(Answer("", status, headers={"Retry-After": "17"}), Answer("here")))
    assert client.get(LINK).text() == "here"
    first, second = (seen.at for seen in blog.requests if seen.target == "/a")
    assert second - first == 17


def test_a_retry_after_as_a_date_is_waited_for(
    client: HttpClient, blog: WebServer, time: ManualTime
) -> None:
    def busy_at_first(seen: Seen) -> Answer:
        if len(blog.targets()) > 1:
            return Answer("here")
        date = datetime.fromtimestamp(time.now() + 30, UTC)
        return Answer("", 429, headers={"Retry-After": format_datetime(date, usegmt=True)})

    blog.add("/a", busy_at_first)
    assert client.get(LINK).text() == "here"
    first, second = (seen.at for seen in blog.requests if seen.target == "/a")
    assert second - first == 30


def test_a_retry_after_that_is_too_long_leaves_the_host_alone(
    make_client: MakeClient, blog: WebServer, site: MakeSite, time: ManualTime
) -> None:
    site("other.example").add("/a", "here")
    blog.add("/a", Answer("", 429, headers={"Retry-After": "3600"}))
    blog.add("/b", "here")
    client = make_client(longest_wait_seconds=60)
    limited = fault(client)
    assert limited.reason is Reason.RATE_LIMITED
    assert limited.until == datetime.fromtimestamp(time.now() + 3600, UTC)
    assert f"{limited.until:%H:%M:%S}" in str(limited)
    assert fault(client, f"{SITE}/b").until == limited.until
    assert blog.targets() == ["/a"]
    assert client.get("https://other.example/a").text() == "here"
    time.sleep(3600)
    assert client.get(f"{SITE}/b").text() == "here"


def test_a_used_up_rate_limit_says_when_it_is_full_again(
    client: HttpClient, blog: WebServer, time: ManualTime
) -> None:
    reset = int(time.now()) + 1800
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    blog.add("/a", Answer("", 403, headers=headers))
    limited = fault(client, api=True)
    assert limited.reason is Reason.RATE_LIMITED
    assert limited.until == datetime.fromtimestamp(reset, UTC)


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "", "Mon, 99 Foo 2025 10:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_an_ordinary_fault(
    client: HttpClient, blog: WebServer, value: str
) -> None:
    blog.add("/a", in_turn(Answer("", 429, headers={"Retry-After": value}), Answer("here")))
    assert client.get(LINK).text() == "here"


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+ .*"))
def test_any_retry_after_is_read(value: str) -> None:
    until = asked_to_return({"retry-after": value}, 1_750_000_000)
    assert until is None or until.timestamp() >= 1_750_000_000


def test_a_retry_after_of_ages_is_a_date_all_the_same(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", Answer("", 503, headers={"Retry-After": "9" * 20}))
    assert fault(client).until is not None


def test_a_stalled_connection_times_out(
    make_client: MakeClient, blog: WebServer, network: LocalNetwork
) -> None:
    blog.add("/a", blog.stall)
    assert fault(make_client(read_seconds=0.1), api=True).reason is Reason.TIMED_OUT
    assert len(network.connected) == 3


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.mark.parametrize(
    ("before", "each"),
    [(HEAD + b"\r\n", b"x"), (HEAD + b"X-Slow: ", b"x"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    ids=["body", "headers", "interim answers"],
)
def test_an_answer_that_drips_ends_with_the_links_time(
    network: LocalNetwork, blog: WebServer, before: bytes, each: bytes
) -> None:
    blog.add("/a", lambda seen: blog.drip(before, each))
    options = HttpOptions(read_seconds=60, link_seconds=0.3)
    with HttpClient(options, resolve=network.resolve, network=network) as client:
        assert fault(client, api=True).reason is Reason.TIMED_OUT


def test_a_body_without_end_stops_at_the_limit(make_client: MakeClient, blog: WebServer) -> None:
    blog.add("/a", endless())
    error = fault(make_client(max_bytes=50_000))
    assert error.reason is Reason.TOO_LARGE
    assert "50,000 bytes" in str(error)
    assert len(blog.targets()) == 1


def test_a_body_that_says_it_is_too_large_is_not_read(
    make_client: MakeClient, blog: WebServer
) -> None:
    blog.add("/a", Answer(raw=[HEAD + b"Content-Length: 99999999999\r\n\r\n"]))
    assert fault(make_client(max_bytes=50_000)).reason is Reason.TOO_LARGE


def test_a_body_of_just_the_limit_is_read(make_client: MakeClient, blog: WebServer) -> None:
    blog.add("/a", Answer([b"x" * 500, b"x" * 500]))
    assert len(make_client(max_bytes=1000).get(LINK).body) == 1000


def test_a_gzip_bomb_stops_at_the_limit(make_client: MakeClient, blog: WebServer) -> None:
    blog.add("/a", gzip_bomb())
    assert fault(make_client(max_bytes=1_000_000)).reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(bytes(range(256)) * 99)[:-9]),
        ("gzip", b"\x1f\x8b" + b"x" * 99),
        ("br", b"x"),
        ("gzip, gzip", b"x"),
    ],
)
def test_a_body_that_cannot_be_unpacked(
    make_client: MakeClient, blog: WebServer, encoding: str, body: bytes
) -> None:
    blog.add("/a", Answer(body, headers={"Content-Encoding": encoding}))
    assert fault(make_client(retries=0)).reason is Reason.BROKEN


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
def test_what_is_not_http(make_client: MakeClient, blog: WebServer, raw: bytes) -> None:
    blog.add("/a", Answer(raw=[raw]))
    assert fault(make_client(retries=0)).reason is Reason.BROKEN


def test_a_refused_connection(make_client: MakeClient, network: LocalNetwork) -> None:
    with WebServer() as server:
        network.add("blog.example", server)
    client = make_client()
    assert fault(client).reason is Reason.UNREACHABLE
    tried = len(network.connected)
    assert tried == 3
    fault(client, f"{SITE}/b")
    assert len(network.connected) == tried  # a dead host costs its other links nothing


def test_a_host_name_that_nobody_knows(client: HttpClient) -> None:
    error = fault(client, "https://nobody.example/a")
    assert error.reason is Reason.UNREACHABLE
    assert "nobody.example is not known" in str(error)


def test_the_second_address_is_tried(
    client: HttpClient, blog: WebServer, network: LocalNetwork
) -> None:
    network.names["blog.example"].insert(0, "93.184.216.200")
    blog.add("/a", "here")
    assert client.get(LINK).text() == "here"
    assert network.connected[:2] == network.names["blog.example"]
