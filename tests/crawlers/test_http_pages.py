"""Answers that are no page: redirects, logins, files, and charsets that are not as they say."""

from collections.abc import Iterator

import pytest
from fetching import LINK, SITE, MakeClient, MakeSite, fault
from webserver import Answer, WebServer, redirect

from twin_assets.crawlers.http.client import HTML, HttpClient
from twin_assets.crawlers.http.faults import Reason


def test_redirects_in_a_circle(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", redirect("/b"))
    blog.add("/b", redirect("/a"))
    error = fault(client)
    assert error.reason is Reason.REDIRECTS
    assert "circle" in str(error)
    assert blog.targets() == ["/a", "/b"]


def test_redirects_without_end(make_client: MakeClient, blog: WebServer) -> None:
    blog.add("/0", redirect("/1"))
    for number in range(1, 10):
        blog.add(f"/{number}", redirect(f"/{number + 1}"))
    assert fault(make_client(max_redirects=5), f"{SITE}/0").reason is Reason.REDIRECTS
    assert blog.targets() == ["/0", "/1", "/2", "/3", "/4", "/5"]


def test_a_fault_after_a_redirect_says_where(
    client: HttpClient, blog: WebServer, site: MakeSite
) -> None:
    site("cdn.example")
    blog.add("/a", redirect("https://cdn.example/file?signature=secret"))
    error = fault(client)
    assert error.reason is Reason.GONE
    message = "after a redirect to https://cdn.example/file?…: the server answers 404"
    assert str(error) == message


@pytest.mark.parametrize(
    "location",
    ["/authwall?trk=x", "https://blog.example/m/signin?redirect=a", "/uas/login?next=%2Fa"],
)
def test_a_redirect_to_a_login(client: HttpClient, blog: WebServer, location: str) -> None:
    blog.add("/a", redirect(location))
    assert fault(client).reason is Reason.LOGIN_WALL
    assert blog.targets() == ["/a"]


def test_an_article_about_logins_is_no_login(client: HttpClient, blog: WebServer) -> None:
    blog.add("/login", redirect("/login/"))
    blog.add("/login/", redirect("/how-to-login"))
    blog.add("/how-to-login", "here")
    assert client.get(f"{SITE}/login").text() == "here"


def test_a_pdf_where_a_page_is_wanted_is_not_read(client: HttpClient, blog: WebServer) -> None:
    sent = []

    def pieces() -> Iterator[bytes]:
        for number in range(10_000):
            sent.append(number)
            yield b"%PDF" * 10_000

    blog.add("/a", Answer(pieces(), type="application/pdf"))
    error = fault(client, accept=HTML)
    assert error.reason is Reason.CONTENT_TYPE
    assert "application/pdf" in str(error)
    assert len(sent) < 10_000


@pytest.mark.parametrize("kind", [None, "text/html"])
@pytest.mark.parametrize("body", [b"%PDF-1.7 ...", b"\x89PNG\r\n", b"PK\x03\x04", b"a\0b"])
def test_a_file_that_is_called_a_page(
    client: HttpClient, blog: WebServer, kind: str | None, body: bytes
) -> None:
    blog.add("/a", Answer(body, type=kind))
    assert fault(client, accept=HTML).reason is Reason.CONTENT_TYPE
    assert client.get(LINK).body == body


def test_a_page_without_a_type_is_read(client: HttpClient, blog: WebServer) -> None:
    blog.add("/a", Answer("\ufeff<p>page</p>".encode("utf-16-le"), type=None))
    fetched = client.get(LINK, accept=HTML)
    assert fetched.text() == "<p>page</p>"
    assert fetched.content_type == ""


@pytest.mark.parametrize(
    ("label", "charset"),
    [(None, "utf-8"), ("iso-8859-1", "utf-8"), ("utf-8", "cp1252"), ("no-such", "utf-8")],
)
def test_a_wrong_or_missing_charset(
    client: HttpClient, blog: WebServer, label: str | None, charset: str
) -> None:
    text = "<p>Le café où l’été naît déjà, garçon: «naïve» façade</p>"
    kind = f"text/html; charset={label}" if label else "text/html"
    blog.add("/a", Answer(text.encode(charset), type=kind))
    assert client.get(LINK, accept=HTML).text() == text
