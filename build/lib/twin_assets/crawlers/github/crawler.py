"""GitHub: a repository, or all repositories of an account."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.github.api import API, GitHubApi, Repository
from twin_assets.crawlers.github.links import Place, place_of
from twin_assets.crawlers.github.repositories import found_in, links_at_commit
from twin_assets.crawlers.github.tarballs import Tarball
from twin_assets.crawlers.http.client import HttpClient
from twin_assets.crawlers.http.faults import FetchError, Reason
from twin_assets.documents import Outcome, Visit
from twin_assets.errors import BadInputError

# Packed; a repository above that is mostly data. It rests on the disk while it is read.
MOST_TARBALL_BYTES = 256 * 1024**2

_GOOD = (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED)
_OUTCOMES = {
    Reason.GONE: Outcome.GONE,
    Reason.ADDRESS: Outcome.REFUSED,
    Reason.LOGIN_WALL: Outcome.REFUSED,
    Reason.REFUSED: Outcome.REFUSED,
}


class GitHubCrawler:
    """Reads repositories through the API, each as one tarball.

    Args:
        client: fetches.
        token: a GitHub token, or None.
        api: the API's address.
        max_tarball_bytes: the largest repository, packed.
    """

    name = "github"

    def __init__(
        self,
        client: HttpClient,
        *,
        token: str | None = None,
        api: str = API,
        max_tarball_bytes: int = MOST_TARBALL_BYTES,
    ) -> None:
        self._api = GitHubApi(client, token, api)
        self._max_tarball_bytes = max_tarball_bytes

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`."""
        return place_of(source) is not None

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`."""
        place = place_of(task.source)
        if place is None:
            raise BadInputError(f"{task.source} is no repository or account on GitHub.")
        if place.name is None:
            yield from self._account(task, place)
        else:
            yield self._repository(task, place)

    def _account(self, task: Task, place: Place) -> Iterator[Found]:
        """Yield the account, then its repositories, and those that it had before as gone."""
        listed: dict[str, Repository] = {}
        left_out: Counter[str] = Counter()
        own = {other.link.lower() for other in map(place_of, task.author.sources) if other}
        try:
            for repository in self._api.repositories(place.account):
                link = f"https://github.com/{repository.full_name}"
                reason = _against(repository)
                if reason is not None:
                    left_out[reason] += 1
                elif link.lower() not in own:
                    listed[link] = repository
        except FetchError as error:
            yield _failed(place.link, error)
            if error.reason is not Reason.GONE:
                return
        else:
            reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(left_out.items()))
            detail = f"{len(listed)} of its repositories" + (
                f"; left out: {reasons}" if reasons else ""
            )
            yield Found(place.link, outcome=Outcome.UNCHANGED, detail=detail)
        for link, repository in listed.items():
            before = _good(task.visits.get(link))
            if before is not None and before.last_modified == repository.pushed_at is not None:
                yield _unchanged(before)
                continue
            account, _, name = repository.full_name.partition("/")
            found = self._repository(task, Place(account, name), repository.full_name)
            yield replace(found, last_modified=repository.pushed_at)
        for visit in task.visits.values():
            had = visit.source == task.source and visit.outcome is not Outcome.GONE
            if had and visit.link not in listed and visit.link.lower() not in own:
                detail = "no longer among the account's own repositories"
                yield Found(visit.link, outcome=Outcome.GONE, detail=detail)

    def _repository(self, task: Task, place: Place, full_name: str | None = None) -> Found:
        """Return what the repository gives; ``full_name`` is how GitHub spells its name."""
        before = _good(task.visits.get(place.link))
        known = (before.etag or "").strip('"') if before else ""
        asked = full_name or f"{place.account}/{place.name}"
        try:
            commit = self._api.commit(asked, place.ref or "HEAD", known)
            if before is not None and commit == known:
                return _unchanged(before)
            name = full_name or self._api.repository(asked).full_name
            links = links_at_commit(name, commit, task)
            found = found_in(self._tarball(name, commit).entries, task, place.link, links, "github")
        except FetchError as error:
            return _failed(place.link, error)
        except BadInputError as error:
            return Found(place.link, outcome=Outcome.FAILED, detail=str(error))
        return replace(found, etag=f'"{commit}"')

    def _tarball(self, name: str, commit: str) -> Tarball:
        with tempfile.TemporaryDirectory(prefix="twin-") as folder:
            path = Path(folder, "tarball")
            self._api.tarball(name, commit, path, self._max_tarball_bytes)
            # the open file outlives its name, so nothing stays behind however the crawl ends
            tarball = Tarball(path.open("rb"), "GitHub's tarball")
        if tarball.top is None:
            raise BadInputError("GitHub's tarball does not stand in one folder, as it should.")
        return tarball


def _against(repository: Repository) -> str | None:
    """Return why an account's repository is not read, or None."""
    if repository.fork:
        return "forks"
    if repository.archived:
        return "archived"
    return None if repository.size else "empty"


def _good(visit: Visit | None) -> Visit | None:
    return visit if visit is not None and visit.outcome in _GOOD else None


def _unchanged(before: Visit) -> Found:
    return Found(
        before.link,
        outcome=Outcome.UNCHANGED,
        etag=before.etag,
        last_modified=before.last_modified,
    )


def _failed(link: str, error: FetchError) -> Found:
    return Found(link, outcome=_OUTCOMES.get(error.reason, Outcome.FAILED), detail=str(error))
