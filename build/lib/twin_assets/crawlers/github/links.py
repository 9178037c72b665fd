"""Which links lead to GitHub, and to what there. Hosts are compared whole, never by a pattern."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_HOSTS = {"github.com", "www.github.com"}
# The site's own pages, where an account's name would stand.
_PAGES = {
    *("about", "apps", "collections", "enterprise", "explore", "features", "login", "marketplace"),
    *("orgs", "pricing", "readme", "search", "settings", "sponsors", "topics", "trending"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """An account, or one of its repositories, at a branch, tag or commit where ``ref`` says so."""

    account: str
    name: str | None = None
    ref: str | None = None

    @property
    def link(self) -> str:
        """Its page."""
        parts = [self.name, self.ref and f"tree/{self.ref}"]
        return "/".join(["https://github.com", self.account, *filter(None, parts)])


def place_of(source: str) -> Place | None:
    """Return the account or repository that the link leads to, or None for any other page."""
    parts = _on_github(source.strip())
    if parts is None:
        return None
    account, *below = parts
    if not is_name(account) or account.lower() in _PAGES:
        return None
    place = None
    match below:
        case []:
            place = Place(account)
        case [name]:
            place = Place(account, name.removesuffix(".git"))
        case [name, "tree", _, *_] if not {"", ".", ".."} & set(below):
            place = Place(account, name, "/".join(below[2:]))
    return place if place and (place.name is None or is_name(place.name)) else None


def remote_name(address: str) -> str | None:
    """Return ``owner/name`` where a remote's address, in any of git's forms, is on GitHub.

    ``git@github.com:owner/name.git`` and ``https://github.com/owner/name`` are two of them.
    """
    short = re.fullmatch(r"(?:[^@/:]+@)?([^@/:]+):(?!//)/?(.+)", address)
    parts = _on_github(f"ssh://{short[1]}/{short[2]}" if short else address, ("ssh", "git"))
    if parts is None or len(parts) != 2:
        return None
    owner, name = parts[0], parts[1].removesuffix(".git")
    return f"{owner}/{name}" if is_name(owner) and is_name(name) else None


def is_name(text: str) -> bool:
    """Tell whether GitHub could call an account or a repository so."""
    return re.fullmatch(r"[\w.-]{1,100}", text, re.ASCII) is not None and text.strip(".") != ""


def _on_github(link: str, also: tuple[str, ...] = ()) -> list[str] | None:
    """Return the parts of the path where the link leads to GitHub; ``also`` are more schemes."""
    try:
        url = urlsplit(link)
        host = (url.hostname or "").lower()
    except ValueError:
        return None
    if url.scheme not in ("http", "https", *also) or host not in _HOSTS:
        return None
    return unquote(url.path).strip("/").split("/")
