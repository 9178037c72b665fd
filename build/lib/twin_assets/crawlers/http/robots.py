"""What a site's robots.txt allows, as RFC 9309 reads it, and each site's asked once."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote

from twin_assets.crawlers.http.faults import FetchError, Reason

MAX_BYTES = 500 * 1024  # what the RFC has a crawler read at least; the rest is not looked at

# The RFC: a robots.txt that is "unavailable" (4xx, too many redirects) forbids nothing.
_UNAVAILABLE = {Reason.GONE, Reason.REFUSED, Reason.LOGIN_WALL, Reason.REDIRECTS}
# Faults of the host rather than of its robots.txt are reported as what they are.
_OF_THE_HOST = {Reason.ADDRESS, Reason.UNREACHABLE, Reason.RATE_LIMITED}


@dataclass(frozen=True, slots=True)
class Rules:
    """What one robots.txt says to this crawler: patterns with whether they allow."""

    patterns: tuple[tuple[str, bool], ...] = ()
    delay: float | None = None

    def allows(self, target: str) -> bool:
        """Tell whether a path, with its query, may be fetched: the longest match decides."""
        target = _normalized(target)
        if target == "/robots.txt":
            return True
        matches = [(len(p), allow) for p, allow in self.patterns if _matches(p, target)]
        return max(matches, default=(0, True))[1]


def parse(text: str, token: str) -> Rules:
    """Return the rules for a product token: those of its own groups, else those for ``*``."""
    groups = list(_groups(text))
    own = [group for group in groups if token.lower() in group.agents]
    chosen = own or [group for group in groups if "*" in group.agents]
    delays = [group.delay for group in chosen if group.delay is not None]
    patterns = tuple(rule for group in chosen for rule in group.patterns)
    return Rules(patterns, max(delays, default=None))


@dataclass
class _Group:
    agents: set[str] = field(default_factory=set)
    patterns: list[tuple[str, bool]] = field(default_factory=list)
    delay: float | None = None


def _groups(text: str) -> Iterator[_Group]:
    group = _Group()
    for line in text.removeprefix("\ufeff").splitlines():
        name, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        match name.lower():
            case "user-agent":
                if group.patterns:
                    yield group
                    group = _Group()
                # "twin/1.0" names the product "twin"
                agent = re.match(r"\*|[A-Za-z_-]+", value)
                group.agents.add(agent[0].lower() if agent else "")
            case "allow" | "disallow":
                # an empty pattern matches nothing, but it ends the list of agents
                group.patterns.append((_normalized(value), name.lower() == "allow"))
            case "crawl-delay" if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value, re.ASCII):
                group.delay = float(value)
            case _:
                pass
    yield group


def _normalized(path: str) -> str:
    """Return the path with one spelling for each character, so that patterns compare as text."""
    escaped = quote(path, safe="!#$%&'()*+,/:;=?@[]~")

    def one(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        plain = character.isascii() and (character.isalnum() or character in "-._~")
        return character if plain else match[0].upper()

    return re.sub("%([0-9A-Fa-f]{2})", one, escaped)


def _matches(pattern: str, target: str) -> bool:
    """Tell whether the pattern matches from the start; ``*`` is any run, a last ``$`` the end.

    Each part is looked for after the one before, so no pattern takes more than linear time a part.
    """
    if not pattern:
        return False
    whole = pattern.endswith("$")
    first, *parts = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    at = len(first)
    last = parts.pop() if whole and parts else None
    for part in parts:
        found = target.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if not whole:
        return True
    return at == len(target) if last is None else target[at:].endswith(last)


@dataclass
class _Site:
    lock: Lock = field(default_factory=Lock)
    rules: Rules | None = None
    refusal: tuple[Reason, str] | None = None


class RobotsCache:
    """Each site's rules, read once for the life of the crawl.

    Args:
        read: returns the text of the robots.txt of an origin such as ``https://example.com``.
        token: the product token that this crawler goes by.
    """

    def __init__(self, read: Callable[[str], str], token: str) -> None:
        self._read = read
        self._token = token
        self._lock = Lock()
        self._sites: dict[str, _Site] = {}

    def rules(self, origin: str) -> Rules:
        """Return what the site allows.

        Raises:
            FetchError: its robots.txt cannot be had, which forbids everything.
        """
        with self._lock:
            site = self._sites.setdefault(origin, _Site())
        with site.lock:
            if site.refusal is not None:
                raise FetchError(*site.refusal)
            if site.rules is None:
                site.rules = self._ask(origin, site)
            return site.rules

    def _ask(self, origin: str, site: _Site) -> Rules:
        try:
            return parse(self._read(origin), self._token)
        except FetchError as error:
            if error.reason in _UNAVAILABLE:
                return Rules()
            if error.reason is Reason.RATE_LIMITED:
                raise  # it ends, so it is not kept
            if error.reason in _OF_THE_HOST:
                site.refusal = (error.reason, str(error))
            else:
                site.refusal = (Reason.ROBOTS, f"robots.txt cannot be had: {error}")
        raise FetchError(*site.refusal)
