"""The identity of a web link."""

from contextlib import suppress
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

# Referral and campaign marks say where a reader came from, not which document was read.
_TRACKING = {"trk", "fbclid", "gclid"}
_OF_SUBSTACK = {"r", "s"}  # on its posts, /p/<slug>, which may stand on a domain of their own


def canonical_link(link: str) -> str:
    """Return the link without fragment, tracking parameters and credentials.

    Raises:
        ValueError: it is not an http or https link with a host.
    """
    parts = urlsplit(link.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http or https link")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _is_tracking(name.lower(), parts)]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    host = parts.netloc.rpartition("@")[2].lower()
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def untracked(link: str) -> str:
    """Return the link as it is, its fragment included, but without tracking parameters.

    A relative link, or one of another kind, has nothing to take out.
    """
    address, mark, fragment = link.partition("#")
    with suppress(ValueError):
        address = canonical_link(address)
    return address + mark + fragment


def _is_tracking(parameter: str, link: SplitResult) -> bool:
    if parameter in _OF_SUBSTACK:
        return link.path.startswith("/p/") or (link.hostname or "").endswith(".substack.com")
    return parameter in _TRACKING or parameter.startswith("utm_")
