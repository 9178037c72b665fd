"""GitHub through its API: a site of its shape on real local servers."""

import logging
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from github_site import FIRST, SECOND, GitHubSite, crawled, member, tarball
from webserver import Answer, endless, redirect

from twin_assets.crawlers.github.crawler import GitHubCrawler
from twin_assets.documents import Category, Outcome, Visit
from twin_assets.raw_store.sqlite import SqliteRawStore

HOME = "https://github.com/ada/engine"
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
        return crawled(store, GitHubCrawler(client, **options), sources or (HOME,))

    return run


@pytest.fixture
def stored(store):
    """Return the texts by link, the repository's own part of it left off."""
    return lambda: {
        found.link.removeprefix(f"{HOME}/blob/"): found.text for found in store.documents("ada")
    }


def test_every_file_is_a_document(github, crawl, store):
    github.commit("ada/engine", FIRST, FILES)
    visit = crawl()[HOME]
    assert visit.outcome is Outcome.NEW
    assert visit.detail == "2 new, 0 changed, 0 unchanged, 0 gone; 2 files"
    readme, mill = store.documents("ada")
    assert (readme.link, mill.link) == tuple(f"{HOME}/blob/{FIRST}/{path}" for path in FILES)
    assert (readme.text, mill.text) == tuple(FILES.values())
    assert (mill.title, mill.path) == ("src/mill.py", "src/mill.py")
    assert (mill.platform, mill.category) == ("github", Category.REPOSITORY)
    assert mill.language == "python"


def test_code_is_stored_as_it_was_written_and_its_link_is_encoded(github, crawl, stored):
    text = "\ufeffa = '𝗯'\r\n\tb\x0c\n\n\n"
    github.commit("ada/engine", FIRST, {"what? 100% é#1/a+b.py": text})
    crawl()
    assert stored() == {f"{FIRST}/what%3F%20100%25%20%C3%A9%231/a%2Bb.py": text}


def test_an_unchanged_repository_costs_one_conditional_request(github, crawl, store):
    github.commit("ada/engine", FIRST, FILES)
    crawl()
    before, revision = len(github.api.requests), store.revision("ada")
    visit = crawl()[HOME]
    assert (visit.outcome, len(visit.documents)) == (Outcome.UNCHANGED, 2)
    (request,) = github.api.requests[before:]
    assert len(github.codeload.requests) == 1
    assert request.target == "/repos/ada/engine/commits/HEAD"
    assert request.headers["if-none-match"] == f'"{FIRST}"'
    assert crawl()[HOME].etag == f'"{FIRST}"'
    assert store.revision("ada") == revision


def test_the_same_commit_without_304_is_unchanged_too(github, crawl):
    github.commit("ada/engine", FIRST, FILES)
    crawl()
    github.api.add("/repos/ada/engine/commits/HEAD", Answer(f"{FIRST}\n", type="text/plain"))
    fetched = len(github.codeload.requests)
    assert crawl()[HOME].outcome is Outcome.UNCHANGED
    assert len(github.codeload.requests) == fetched


def test_a_commit_makes_new_documents_of_the_files_it_changed_only(github, crawl, stored):
    github.commit("ada/engine", FIRST, {"a.py": "a = 1", "b.py": "b = 1", "c.py": "c = 1"})
    crawl()
    github.commit("ada/engine", SECOND, {"a.py": "a = 1", "b.py": "b = 2", "d.py": "a = 1"})
    visit = crawl()[HOME]
    assert visit.outcome is Outcome.CHANGED
    assert visit.detail == "2 new, 0 changed, 1 unchanged, 2 gone; 3 files"
    assert stored() == {
        f"{FIRST}/a.py": "a = 1",
        f"{SECOND}/b.py": "b = 2",
        f"{SECOND}/d.py": "a = 1",
    }


def test_a_branch_and_a_name_as_github_spells_it(github, crawl, stored):
    github.commit("Ada/engine", FIRST, FILES, ref="fix%2Fmill")
    github.api.add("/repos/ada/engine", github.json(github.about("Ada/engine")))
    github.commit("ada/engine", FIRST, FILES, ref="fix%2Fmill")
    github.api.add("/repos/ada/engine", github.json(github.about("Ada/engine")))
    link = f"{HOME}/tree/fix/mill"
    assert crawl(link)[link].outcome is Outcome.NEW
    assert f"https://github.com/Ada/engine/blob/{FIRST}/README.md" in stored()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, (Outcome.GONE, "gone, or private")),
        (451, (Outcome.REFUSED, "451")),
        (409, (Outcome.REFUSED, "no commit yet")),
        (401, (Outcome.REFUSED, "check TWIN_GITHUB_TOKEN")),
        (500, (Outcome.FAILED, "500")),
    ],
)
def test_what_the_api_refuses(github, crawl, stored, status, told):
    github.commit("ada/engine", FIRST, FILES)
    crawl()
    github.answer("/repos/ada/engine/commits/HEAD", status)
    visit = crawl(token=TOKEN)[HOME]
    outcome, words = told
    assert visit.outcome is outcome
    assert words in visit.detail
    assert len(stored()) == (0 if status == 404 else 2)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1750010000"}),
        (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1750010000"}),
        (429, {"Retry-After": "9000"}),
    ],
)
def test_the_limit_of_requests_says_when_to_come_back(github, crawl, status, headers):
    github.answer("/repos/ada/engine/commits/HEAD", status, headers)
    github.commit("ada/other", FIRST, FILES)
    visit = crawl()[HOME]
    assert visit.outcome is Outcome.FAILED
    assert "GitHub takes no more requests until 2025-06-15 17:53:20 UTC" in visit.detail
    assert "TWIN_GITHUB_TOKEN" in visit.detail
    assert len(github.seen()) == 1


def test_the_token_goes_to_the_api_only(github, crawl, caplog):
    caplog.set_level(logging.DEBUG)
    github.account("ada", github.about("ada/engine"), github.about("ada/gone"), pages=2)
    github.commit("ada/engine", FIRST, FILES)
    github.answer("/repos/ada/gone/commits/HEAD", 401)
    visits = crawl("https://github.com/ada", token=TOKEN)
    assert github.api.requests
    for request in github.api.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert github.codeload.targets()
    assert not any("authorization" in request.headers for request in github.codeload.requests)
    assert visits["https://github.com/ada/gone"].outcome is Outcome.REFUSED
    assert TOKEN not in caplog.text + repr(visits)


@pytest.mark.parametrize(
    ("tarball_answer", "words"),
    [
        (Answer(b"\x1f\x8bno tarball", type="application/x-gzip"), "no tarball"),
        (Answer(tarball([member("a/x"), member("b/y")])), "one folder"),
        (endless(b"\0" * 65536), "larger than"),
        (redirect("https://10.0.0.1/tarball"), "redirect"),
        (Answer("no", 404), "404"),
    ],
)
def test_a_tarball_that_cannot_be_read_costs_no_other_repository(
    github, crawl, tarball_answer, words
):
    notes = "https://github.com/ada/notes"
    github.commit("ada/engine", FIRST, FILES)
    github.commit("ada/notes", FIRST, {"a.py": "a = 1"})
    crawl(HOME)
    github.commit("ada/engine", SECOND, {"a.py": "changed = 1"})
    target = f"/ada/engine/legacy.tar.gz/{SECOND}?token=signed"
    github.codeload.add(target, tarball_answer)
    visits = crawl(HOME, notes, max_tarball_bytes=2_000_000)
    assert visits[HOME].outcome is not Outcome.CHANGED
    assert words in visits[HOME].detail
    assert "signed" not in visits[HOME].detail
    assert visits[notes].outcome is Outcome.NEW
    github.commit("ada/engine", SECOND, {"a.py": "changed = 1"})
    assert crawl(HOME)[HOME].documents == (f"{HOME}/blob/{SECOND}/a.py",)


def test_a_tarball_with_hostile_members_gives_its_good_files(github, crawl, stored):
    top = "ada-engine-1111111"
    github.commit("ada/engine", FIRST, {})
    members = [
        member(f"{top}/", type=tarfile.DIRTYPE),
        member(f"{top}/../../etc/passwd", b"root"),
        member(f"{top}/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member(f"{top}/a.py", b"a = 1"),
    ]
    github.codeload.add(f"/ada/engine/legacy.tar.gz/{FIRST}?token=signed", Answer(tarball(members)))
    assert crawl()[HOME].detail.endswith("1 file; left out: 1 links, 1 unsafe names")
    assert stored() == {f"{FIRST}/a.py": "a = 1"}


def test_nothing_stays_in_the_temporary_folder(github, crawl, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    github.commit("ada/engine", FIRST, FILES)
    assert crawl()[HOME].outcome is Outcome.NEW
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("body", ["[]", "{", "[{}]", '[{"full_name": "../..", "fork": false}]'])
def test_an_answer_that_is_not_the_apis_own(github, crawl, body):
    target = "/users/ada/repos?type=owner&sort=full_name&per_page=100"
    github.api.add(target, Answer(body, type="application/json"))
    github.commit("ada/engine", FIRST, FILES)
    github.api.add("/repos/ada/engine", Answer(body, type="application/json"))
    github.api.add("/repos/ada/notes/commits/HEAD", Answer(body, type="application/json"))
    visits = crawl("https://github.com/ada", HOME, "https://github.com/ada/notes")
    outcomes = {link: visit.outcome for link, visit in visits.items()}
    assert outcomes.pop("https://github.com/ada") is (
        Outcome.UNCHANGED if body == "[]" else Outcome.FAILED
    )
    assert set(outcomes.values()) == {Outcome.FAILED}
