"""robots.txt: what forbids, what does not, and when it cannot be had."""

import pytest
from fetching import LINK, SITE, MakeClient, MakeSite, fault
from webserver import Answer, LocalNetwork, ManualTime, WebServer, in_turn, redirect

from twin_assets.crawlers.http.client import HttpClient
from twin_assets.crawlers.http.faults import Reason


def test_robots_txt_forbids(client: HttpClient, blog: WebServer) -> None:
    blog.add("/robots.txt", Answer("User-agent: *\nDisallow: /a\n\nUser-agent: x\nDisallow: /"))
    blog.add("/b", redirect("/a"))
    blog.add("/c", "here")
    assert fault(client).reason is Reason.ROBOTS
    assert fault(client, f"{SITE}/b").reason is Reason.ROBOTS
    assert client.get(f"{SITE}/c").text() == "here"
    assert [seen.target for seen in blog.requests] == ["/robots.txt", "/b", "/c"]


def test_robots_txt_of_the_host_that_a_redirect_leads_to(
    client: HttpClient, blog: WebServer, site: MakeSite
) -> None:
    other = site("other.example")
    other.add("/robots.txt", Answer("User-agent: Twin\nDisallow: /"))
    blog.add("/a", redirect("https://other.example/a"))
    assert fault(client).reason is Reason.ROBOTS
    assert other.targets() == []


def test_the_time_that_robots_txt_takes_is_not_the_links(
    make_client: MakeClient, blog: WebServer
) -> None:
    blog.add("/robots.txt", redirect("/rules.txt"))
    blog.add("/rules.txt", Answer(""))
    blog.add("/a", "here")
    client = make_client(delay_seconds=50, link_seconds=10)
    assert client.get(LINK).text() == "here"


def test_an_api_is_asked_without_robots_txt(client: HttpClient, blog: WebServer) -> None:
    blog.add("/robots.txt", Answer("User-agent: *\nDisallow: /"))
    blog.add("/a", "here")
    assert client.get(LINK, api=True).text() == "here"
    assert [seen.target for seen in blog.requests] == ["/a"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 999])
def test_a_robots_txt_that_is_not_there_forbids_nothing(
    client: HttpClient, blog: WebServer, status: int
) -> None:
    blog.add("/robots.txt", Answer("", status))
    blog.add("/a", "here")
    assert client.get(LINK).text() == "here"


def test_a_robots_txt_that_never_answers_forbids_everything(
    make_client: MakeClient, blog: WebServer, network: LocalNetwork
) -> None:
    client = make_client(read_seconds=0.1)
    blog.add("/robots.txt", blog.stall)
    blog.add("/a", "here")
    error = fault(client)
    assert error.reason is Reason.ROBOTS
    assert "robots.txt cannot be had: the server did not answer in time" in str(error)
    asked = len(network.connected)
    assert fault(client, f"{SITE}/b").reason is Reason.ROBOTS
    assert len(network.connected) == asked  # it is asked once a crawl
    assert blog.targets() == []


def test_a_robots_txt_with_a_server_fault_forbids_everything(
    client: HttpClient, blog: WebServer
) -> None:
    blog.add("/robots.txt", Answer("", 503))
    error = fault(client)
    assert error.reason is Reason.ROBOTS
    assert "503" in str(error)


def test_a_robots_txt_that_is_rate_limited_is_asked_again_later(
    client: HttpClient, blog: WebServer, time: ManualTime
) -> None:
    later = Answer("", 429, headers={"Retry-After": "600"})
    blog.add("/robots.txt", in_turn(later, Answer("User-agent: *\nAllow: /")))
    blog.add("/a", "here")
    assert fault(client).reason is Reason.RATE_LIMITED
    time.sleep(600)
    assert client.get(LINK).text() == "here"


def test_a_robots_txt_may_redirect_and_be_large(
    client: HttpClient, blog: WebServer, site: MakeSite
) -> None:
    other = site("www.blog.example")
    blog.add("/robots.txt", redirect("https://www.blog.example/robots.txt"))
    rules = b"User-agent: *\nDisallow: /a\n"
    other.add("/robots.txt", Answer(rules + b"# filler\n" * 100_000 + b"Disallow: /b\n"))
    blog.add("/b", "here")
    assert fault(client).reason is Reason.ROBOTS
    assert client.get(f"{SITE}/b").text() == "here"
