"""An account's repositories, listed by a site of GitHub's shape on real local servers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from github_site import FIRST, SECOND, GitHubSite, crawled

from twin_assets.crawlers.github.crawler import GitHubCrawler
from twin_assets.documents import Outcome, Visit
from twin_assets.raw_store.sqlite import SqliteRawStore

ACCOUNT = "https://github.com/ada"
HOME = f"{ACCOUNT}/engine"
NOTES = f"{ACCOUNT}/notes"
LIST = "/users/ada/repos?type=owner&sort=full_name&per_page=100"
TOKEN = "github_pat_of_ada"  # noqa: S105
FILES = {"README.md": "# Engine\n\nIt computes.\n", "src/mill.py": "def mill():\n    return 1\n"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRawStore]:
    with closing(SqliteRawStore(tmp_path / "raw.db")) as opened:
        yield opened


@pytest.fixture
def github(site) -> GitHubSite:
    return GitHubSite(site("api.github.com"), site("codeload.github.com"))


@pytest.fixture
def crawl(store, client):
    """Crawl the sources into the store, and return the visits by link."""

    def run(*sources: str, **options: object) -> dict[str, Visit]:
        return crawled(store, GitHubCrawler(client, **options), sources or (ACCOUNT,))

    return run


@pytest.fixture
def texts(store):
    return lambda: sorted(found.text for found in store.documents("ada"))


def test_the_limit_stops_an_account_without_asking_again(github, crawl):
    names = [f"ada/r{number}" for number in range(4)]
    github.account("ada", *map(github.about, names))
    github.commit("ada/r0", FIRST, FILES)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1750010000"}
    github.answer("/repos/ada/r1/commits/HEAD", 403, headers)
    visits = crawl()
    outcomes = [visits[f"https://github.com/{name}"].outcome for name in names]
    assert outcomes == [Outcome.NEW, *[Outcome.FAILED] * 3]
    assert github.api.targets()[-1] == "/repos/ada/r1/commits/HEAD"


def test_an_accounts_own_repositories(github, crawl, texts):
    github.account(
        "ada",
        github.about("ada/engine"),
        github.about("ada/fork", fork=True),
        github.about("ada/old", archived=True),
        github.about("ada/nothing", size=0),
        github.about("ada/notes"),
        pages=3,
    )
    github.commit("ada/engine", FIRST, {"a.py": "a = 1"})
    github.commit("ada/notes", SECOND, {"b.py": "b = 1"})
    visits = crawl(f"{ACCOUNT}/")
    account = visits.pop(ACCOUNT)
    assert account.detail == "2 of its repositories; left out: 1 archived, 1 empty, 1 forks"
    assert {link: visit.outcome for link, visit in visits.items()} == {
        HOME: Outcome.NEW,
        NOTES: Outcome.NEW,
    }
    assert texts() == ["a = 1", "b = 1"]


def test_an_account_without_a_push_costs_one_request(github, crawl):
    github.account("ada", github.about("ada/engine"), github.about("ada/notes"))
    github.commit("ada/engine", FIRST, FILES)
    github.commit("ada/notes", FIRST, FILES)
    crawl()
    pushed = github.about("ada/notes", pushed_at="2026-02-02T00:00:00Z")
    for _ in range(2):
        before = len(github.seen())
        visits = crawl()
        assert {visit.outcome for visit in visits.values()} == {Outcome.UNCHANGED}
        assert len(github.seen()) == before + 1
    github.account("ada", github.about("ada/engine"), pushed)
    github.commit("ada/notes", SECOND, {"a.py": "a = 1"})
    assert crawl()[NOTES].outcome is (Outcome.CHANGED)


def test_a_repository_that_an_account_no_longer_has_is_gone(github, crawl, texts):
    github.account("ada", github.about("ada/engine"), github.about("ada/notes"))
    github.commit("ada/engine", FIRST, {"a.py": "a = 1"})
    github.commit("ada/notes", FIRST, {"b.py": "b = 1"})
    crawl()
    github.account("ada", github.about("ada/engine"))
    visits = crawl()
    assert visits[NOTES].outcome is Outcome.GONE
    assert texts() == ["a = 1"]
    assert NOTES not in crawl()


def test_a_repository_that_is_a_source_itself_stays_when_its_account_leaves_it_out(
    github, crawl, texts
):
    github.account("ada", github.about("ada/engine"))
    github.commit("ada/engine", FIRST, {"a.py": "a = 1"})
    crawl()
    github.account("ada", github.about("ada/engine", archived=True))
    visits = crawl(ACCOUNT, HOME)
    assert visits[HOME].outcome is Outcome.UNCHANGED
    assert texts() == ["a = 1"]


def test_an_account_that_is_gone_takes_its_repositories_along(github, crawl, texts):
    github.account("ada", github.about("ada/engine"))
    github.commit("ada/engine", FIRST, FILES)
    crawl()
    github.answer(LIST, 503)
    crawl()
    assert len(texts()) == 2
    github.answer(LIST, 404)
    visits = crawl()
    assert {visit.outcome for visit in visits.values()} == {Outcome.GONE}
    assert texts() == []


def test_the_token_does_not_follow_a_page_on_another_host(github, crawl, site):
    other = site("api.github.com.evil.example")
    listing = github.json(
        [github.about("ada/engine")],
        {"Link": '<https://api.github.com.evil.example/x>; rel="next"'},
    )
    github.api.add(LIST, listing)
    visits = crawl(token=TOKEN)
    assert visits[ACCOUNT].outcome is Outcome.FAILED
    assert other.requests == []


def test_a_list_that_does_not_end_is_given_up(github, crawl):
    link = {"Link": f'<https://api.github.com{LIST}>; rel="next"'}
    github.api.add(LIST, github.json([], link))
    visit = crawl()[ACCOUNT]
    assert (visit.outcome, len(github.seen())) == (Outcome.FAILED, 100)


def test_a_repository_that_failed_is_tried_again_without_a_push(github, crawl):
    github.account("ada", github.about("ada/engine"))
    github.answer("/repos/ada/engine/commits/HEAD", 500)
    assert crawl()[HOME].outcome is Outcome.FAILED
    github.commit("ada/engine", FIRST, FILES)
    assert len(crawl()[HOME].documents) == 2
