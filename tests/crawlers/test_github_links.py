import pytest

from twin_assets.crawlers.github.links import Place, place_of, remote_name


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("https://github.com/ada", Place("ada")),
        ("https://www.GitHub.com/ada/?tab=repositories", Place("ada")),
        ("http://github.com/ada/engine.git", Place("ada", "engine")),
        (" https://github.com/ada/engine/#readme ", Place("ada", "engine")),
        ("https://github.com/ada/.github", Place("ada", ".github")),
        ("https://github.com/ada/engine/tree/main", Place("ada", "engine", "main")),
        ("https://github.com/ada/engine/tree/fix/mill", Place("ada", "engine", "fix/mill")),
    ],
)
def test_accounts_and_repositories(link, place):
    assert place_of(link) == place


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com",
        "https://github.com/orgs/ada",
        "https://github.com/ada/engine/issues/3",
        "https://github.com/ada/engine/blob/main/a.py",
        "https://github.com/ada/engine/tree",
        "https://github.com/ada/engine/tree/../../user",
        "https://github.com/ada/engine/tree/%2e%2e/x",
        "https://github.com/ada/..",
        "https://github.com/ada/.git",
        "https://github.com/a%20b",
        "https://github.com.evil.example/ada/engine",
        "https://github.com@evil.example/ada/engine",
        "https://evil.example/https://github.com/ada/engine",
        "https://evilgithub.com/ada/engine",
        "https://gist.github.com/ada/1",
        "ftp://github.com/ada/engine",
        "https://[github.com/ada",
        "github.com/ada/engine",
        "",
    ],
)
def test_other_pages(link):
    assert place_of(link) is None


def test_a_places_link_leads_back_to_it():
    for place in (Place("ada"), Place("ada", "engine"), Place("ada", "engine", "fix/mill")):
        assert place_of(place.link) == place


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/ada/engine",
        "https://secret@github.com/ada/engine.git/",
        "git@github.com:ada/engine.git",
        "github.com:/ada/engine",
        "ssh://git@github.com:22/ada/engine.git",
        "git://github.com/ada/engine.git",
    ],
)
def test_a_remote_on_github(address):
    assert remote_name(address) == "ada/engine"


@pytest.mark.parametrize(
    "address",
    [
        "git@gitlab.com:ada/engine.git",
        "git@evil.example:github.com/ada/engine",
        "https://github.com/ada",
        "../engine",
        "/srv/github.com/ada/engine",
        "git@github.com:ada/..",
        "",
    ],
)
def test_a_remote_elsewhere(address):
    assert remote_name(address) is None
