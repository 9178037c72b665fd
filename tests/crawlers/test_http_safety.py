"""What the client does not do: reach private addresses, follow odd links, tell secrets."""

import logging
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fetching import LINK, SITE, MakeClient, MakeSite, fault
from hypothesis import given, settings
from hypothesis import strategies as st
from webserver import Answer, LocalNetwork, ManualTime, WebServer, redirect

from twin_assets.crawlers.http.client import HttpClient, HttpOptions, Remembered
from twin_assets.crawlers.http.faults import FetchError, Reason
from twin_assets.crawlers.http.urls import redirected, shown, web_url
from twin_assets.errors import BadInputError, StorageError


@pytest.mark.parametrize(
    "link",
    [
        "",
        "blog.example/a",
        "//blog.example/a",
        "ftp://blog.example/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://[::1",
        "http://blog.example:0/",
        "http://blog.example:99999/",
        "http://blog.example:x/",
        "http://a\nb/",
        "http://\ud800/",
        "https://" + "a" * 70_000,
    ],
)
def test_what_is_no_web_link(client: HttpClient, network: LocalNetwork, link: str) -> None:
    assert fault(client, link).reason is Reason.ADDRESS
    assert network.connected == []


@pytest.mark.parametrize("link", ["https://" + "a" * 64 + ".example/", "https://a..b/"])
def test_a_host_that_dns_cannot_know_is_refused(link: str) -> None:
    with HttpClient(HttpOptions(retries=0)) as client:
        assert fault(client, link).reason in (Reason.ADDRESS, Reason.UNREACHABLE)


@pytest.mark.parametrize("location", ["http://[", "http://blog.example:x/", "https://a\tb:c"])
def test_a_redirect_to_what_is_no_link(
    make_client: MakeClient, blog: WebServer, location: str
) -> None:
    blog.add("/a", redirect(location))
    assert fault(make_client(retries=0)).reason in (Reason.BROKEN, Reason.ADDRESS)


@pytest.mark.parametrize(
    "location", ["ftp://x.example/a", "file:///etc/passwd", "data:text/html,a"]
)
def test_a_redirect_away_from_the_web(client: HttpClient, blog: WebServer, location: str) -> None:
    blog.add("/a", redirect(location))
    assert fault(client).reason is Reason.ADDRESS


@settings(deadline=None)
@given(st.text(), st.text(alphabet="htps:/@?#[]%.a1\\ \t"))
def test_any_text_is_a_web_link_or_a_fault(text: str, linkish: str) -> None:
    for link in (text, linkish, f"http://{linkish}", f"http://{text}/"):
        with suppress(FetchError):
            shown(web_url(link))
        with suppress(FetchError):
            shown(redirected(httpx.URL(LINK), link))


def test_secrets_are_in_no_message_and_no_log(
    make_client: MakeClient, blog: WebServer, site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    other = site("other.example")
    client = make_client(retries=1)
    blog.add("/a", redirect("https://other.example/b?token=hunter2"))
    other.add("/b?token=hunter2", redirect("https://me:hunter2@other.example/"))
    blog.add("/c?key=hunter2", Answer("", 500, headers={"Set-Cookie": "id=hunter2"}))
    headers = {"Authorization": "Bearer hunter2"}
    errors = [
        fault(client, headers=headers),
        fault(client, f"{SITE}/c?key=hunter2", headers=headers),
        fault(client, "https://me:hunter2@blog.example/", headers=headers),
        fault(client, "https://[hunter2/", headers=headers),
    ]
    assert [error.reason for error in errors] == [
        Reason.ADDRESS,
        Reason.SERVER_FAULT,
        Reason.ADDRESS,
        Reason.ADDRESS,
    ]
    assert "hunter2" not in caplog.text
    for error in errors:
        shown: BaseException | None = error
        while shown is not None:  # as a traceback shows it
            assert "hunter2" not in f"{shown} {shown!r}"
            shown = None if shown.__suppress_context__ else shown.__context__


@pytest.mark.parametrize("token", ["with\nnewline", "tökén"])
def test_a_token_that_cannot_be_sent(client: HttpClient, blog: WebServer, token: str) -> None:
    with pytest.raises(BadInputError) as caught:
        client.get(LINK, headers={"Authorization": f"Bearer {token}"})
    assert token not in str(caught.value)
    assert blog.requests == []


def test_a_validator_from_a_store_that_cannot_be_sent_is_left_out(
    client: HttpClient, blog: WebServer
) -> None:
    blog.add("/a", "here")
    assert client.get(LINK, remembered=Remembered('"é"', "a\nb")).text() == "here"
    assert "if-none-match" not in blog.requests[-1].headers


def test_a_file_that_cannot_be_written(client: HttpClient, blog: WebServer, tmp_path: Path) -> None:
    blog.add("/a", "here")
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        client.stream_to(LINK, tmp_path / "no" / "a", max_bytes=1000, seconds=60)


PRIVATE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:10.0.0.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_resolves_to_a_private_address(
    client: HttpClient, network: LocalNetwork, address: str
) -> None:
    network.names["inside.example"] = [address]
    error = fault(client, "http://inside.example/latest/meta-data/")
    assert error.reason is Reason.ADDRESS
    assert "inside.example is not on the public Internet" in str(error)
    assert network.connected == []


def test_a_name_with_one_private_address_is_refused_whole(
    client: HttpClient, blog: WebServer, network: LocalNetwork
) -> None:
    network.names["blog.example"].append("192.168.0.1")
    assert fault(client).reason is Reason.ADDRESS
    assert network.connected == []


def test_a_redirect_to_a_private_address(
    client: HttpClient, blog: WebServer, network: LocalNetwork
) -> None:
    network.names["inside.example"] = ["10.0.0.1"]
    blog.add("/a", redirect("http://inside.example/admin"))
    error = fault(client)
    assert error.reason is Reason.ADDRESS
    assert str(error).startswith("after a redirect to http://inside.example/admin:")
    assert network.connected.count("10.0.0.1") == 0


def test_a_robots_txt_that_redirects_to_a_private_address(
    client: HttpClient, blog: WebServer, network: LocalNetwork
) -> None:
    network.names["inside.example"] = ["10.0.0.1"]
    blog.add("/robots.txt", redirect("http://inside.example/robots.txt"))
    assert fault(client).reason is Reason.ADDRESS
    assert "10.0.0.1" not in network.connected


def test_a_name_that_changes_its_address_is_checked_anew_and_never_connected_to(
    network: LocalNetwork, blog: WebServer, time: ManualTime
) -> None:
    public = network.names["blog.example"][0]
    answers = [[public], [public], ["127.0.0.1"]]
    resolved: list[list[str]] = []

    def rebinding(host: str, port: int) -> list[str]:
        resolved.append(answers[min(len(resolved), 2)])
        return resolved[-1]

    close = {"Connection": "close"}
    blog.add("/robots.txt", Answer("", headers=close))
    blog.add("/a", Answer("here", headers=close))
    with HttpClient(resolve=rebinding, network=network, timing=time.timing) as client:
        assert client.get(LINK).text() == "here"
        assert network.connected == [public, public]
        assert len(resolved) == 2  # one resolution a connection, none between check and connect
        assert fault(client).reason is Reason.ADDRESS
    assert network.connected == [public, public]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "127。0。0。1",
    ],
)
def test_this_machine_under_any_spelling_is_refused_by_the_real_resolver(host: str) -> None:
    with WebServer() as server, HttpClient(HttpOptions(retries=0)) as client:
        error = fault(client, f"http://{host}:{server.port}/a", api=True)
        assert error.reason is Reason.ADDRESS
        assert server.requests == []


def test_a_setting_allows_private_addresses(
    make_client: MakeClient, network: LocalNetwork, blog: WebServer
) -> None:
    network.routes["192.168.0.7"] = blog.port
    network.names["inside.example"] = ["192.168.0.7"]
    blog.add("/a", "here")
    client = make_client(allow_private=True)
    assert client.get("http://inside.example/a").text() == "here"


def test_proxies_of_the_environment_are_not_used(
    client: HttpClient, blog: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebServer() as proxy:
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.link())
        blog.add("/a", "here")
        assert client.get("http://blog.example/a").text() == "here"
        assert proxy.requests == []
