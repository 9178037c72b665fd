"""Links as they are fetched, and as they are shown."""

import re

import httpx

from twin_assets.crawlers.http.faults import FetchError, Reason

_HOST = re.compile(rb"[a-z0-9._-]+|[0-9a-f:.]+")  # a name (IDNA's spelling) or an IP address


def web_url(link: str | httpx.URL) -> httpx.URL:
    """Return the link as a URL without its fragment.

    Raises:
        FetchError: it is no http or https link to a host, or it carries a user name or password.
    """
    try:
        url = httpx.URL(link).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        raise FetchError(Reason.ADDRESS, "this is not a web link") from None
    port = 80 if url.port is None else url.port
    if url.scheme not in ("http", "https") or not 0 < port < 65536:
        raise FetchError(Reason.ADDRESS, "this is not an http or https link")
    if not _HOST.fullmatch(url.raw_host):
        raise FetchError(Reason.ADDRESS, "this is not a link to a host")
    if url.userinfo:
        raise FetchError(Reason.ADDRESS, "a link with a user name or password is not fetched")
    return url


def redirected(url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect from ``url`` leads.

    Raises:
        FetchError: that is no web link.
    """
    try:
        target = url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise FetchError(Reason.BROKEN, "the server redirects to what is not a link") from None
    return web_url(target)


def origin(url: httpx.URL) -> str:
    """Return the link's scheme, host and port: ``https://example.com``."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def target(url: httpx.URL) -> str:
    """Return the link's path and query, as the request names them."""
    return url.raw_path.decode("ascii")


def shown(url: httpx.URL) -> str:
    """Return the link as it may be shown: signed links carry secrets in their query."""
    return origin(url) + target(url).partition("?")[0] + ("?…" if url.query else "")
