"""robots.txt as RFC 9309 reads it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_assets.crawlers.http.robots import Rules, parse


def allows(text: str, target: str, token: str = "twin") -> bool:  # noqa: S107
    return parse(text, token).allows(target)


@pytest.mark.parametrize(
    ("pattern", "target", "matches"),
    [
        ("/", "/a", True),
        ("", "/a", False),
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish", False),
        ("/fish", "/catfish", False),
        ("/fish/", "/fish", False),
        ("/fish*", "/fishheads", True),
        ("*/fish", "/a/fish", True),
        ("fish", "/fish", False),
        ("/*.php", "/a/index.php?x=1", True),
        ("/*.php$", "/index.php", True),
        ("/*.php$", "/index.php?x=1", False),
        ("/*.php$", "/a.php/b.php", True),
        ("/fish*.php", "/fish/hooks/a.php5", True),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/a*$", "/abc", True),
        ("/$", "/", True),
        ("/$", "/a", False),
        ("/a*b*c$", "/axbxxc", True),
        ("/a*b*c$", "/axbxxcx", False),
        ("/a*ab$", "/ab", False),
        ("/*?q=", "/search?q=1", True),
        ("/ä", "/%C3%A4", True),
        ("/%c3%a4", "/%C3%A4", True),
        ("/%7Ejoe", "/~joe", True),
        ("/a%2Fb", "/a/b", False),
        ("/a%2fb", "/a%2Fb", True),
    ],
)
def test_patterns(pattern: str, target: str, matches: bool) -> None:
    assert allows(f"User-agent: *\nDisallow: {pattern}", target) is not matches


def test_the_longest_match_decides_and_allow_wins_a_tie() -> None:
    text = "User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\nAllow: /x\nDisallow: /x"
    assert not allows(text, "/a/x")
    assert allows(text, "/a/b/x")
    assert not allows(text, "/a/b/c")
    assert allows(text, "/x")
    assert allows(text, "/elsewhere")


def test_robots_txt_itself_is_always_allowed() -> None:
    assert allows("User-agent: *\nDisallow: /", "/robots.txt")


def test_a_group_of_its_own_counts_instead_of_that_for_all() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: TWIN/2.0 (crawler)\nDisallow: /own"
    assert allows(text, "/a")
    assert not allows(text, "/own")
    assert not allows(text, "/a", token="other")  # noqa: S106


def test_another_crawlers_group_does_not_count() -> None:
    agents = ("twinbot", "twi", "a twin", "")
    text = "\n".join(f"User-agent: {agent}\nDisallow: /" for agent in agents)
    assert allows(text, "/a")


def test_groups_share_agents_and_come_together() -> None:
    text = """
        user-agent: other
        USER-AGENT : twin  # us
        Sitemap: https://blog.example/sitemap.xml
        disallow: /a
        nonsense
        User-agent: third
        Disallow: /c
        User-agent: twin
        Disallow: /b
    """
    assert not allows(text, "/a")
    assert not allows(text, "/b")
    assert allows(text, "/c")
    assert not allows(text, "/a", token="other")  # noqa: S106


def test_an_empty_disallow_ends_the_agents_and_allows() -> None:
    text = "User-agent: twin\nDisallow:\nUser-agent: *\nDisallow: /"
    assert allows(text, "/a")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_a_byte_order_mark(ending: str) -> None:
    assert not allows("\ufeff" + ending.join(["User-agent: *", "Disallow: /a"]), "/a")


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("User-agent: *\nCrawl-delay: 10", 10.0),
        ("User-agent: *\nCrawl-delay: 0.5\nDisallow: /a", 0.5),
        ("User-agent: *\nCrawl-delay: 10\nUser-agent: twin\nDisallow: /a", 10.0),
        ("User-agent: other\nCrawl-delay: 10\nDisallow:", None),
        ("User-agent: *\nCrawl-delay: -1", None),
        ("User-agent: *\nCrawl-delay: inf", None),
        ("User-agent: *\nCrawl-delay: soon", None),
        ("", None),
    ],
)
def test_crawl_delay(text: str, delay: float | None) -> None:
    assert parse(text, "twin").delay == delay


def test_a_page_instead_of_rules_forbids_nothing() -> None:
    page = "<!DOCTYPE html><html><body><p>Not found: nothing here</p></body></html>"
    assert parse(page, "twin") == Rules()


def test_a_pattern_made_to_be_slow_is_not() -> None:
    text = f"User-agent: *\nDisallow: /{'*a' * 5000}b\nDisallow: {'*' * 5000}x"
    assert allows(text, "/" + "a" * 20_000)


@settings(deadline=None)
@given(st.text(), st.text(alphabet="/abc*$%?=é"))
def test_any_text_is_read(text: str, target: str) -> None:
    parse(text, "twin").allows(target)
    allows(f"User-agent: *\nDisallow: {target}\n{text}", "/" + target)
