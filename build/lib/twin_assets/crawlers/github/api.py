"""GitHub's REST API: the four calls that reading repositories takes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from twin_assets.crawlers.http.client import Fetched, HttpClient
from twin_assets.crawlers.http.exchange import Remembered
from twin_assets.crawlers.http.faults import FetchError, Reason
from twin_assets.crawlers.http.turns import when

API = "https://api.github.com"

_JSON = "application/vnd.github+json"
_SHA = "application/vnd.github.sha"  # the commit's hash alone, without its files and patches
_VERSION = "2022-11-28"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NEXT = re.compile(r"<([^<>]*)>\s*;[^,<]*\brel=\"?next\b")
_MOST_PAGES = 100  # of 100 repositories each
_TARBALL_SECONDS = 900.0


class Repository(BaseModel):
    """What the API tells of a repository; ``full_name`` is ``owner/name`` as GitHub spells it."""

    full_name: str = Field(pattern=r"^[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+$")
    fork: bool
    archived: bool
    size: int
    pushed_at: str | None = None


_REPOSITORIES = TypeAdapter(list[Repository])


class GitHubApi:
    """Asks the API. Faults say what is to be done, and never hold the token.

    Args:
        client: fetches.
        token: sent to the API's own address only, or None. It raises the limit of requests from 60
            to 5,000 an hour, and opens what it may read.
        base: the API's address.
    """

    def __init__(self, client: HttpClient, token: str | None, base: str = API) -> None:
        self._client = client
        self._token = token
        self._base = base.rstrip("/")

    def commit(self, name: str, ref: str, known: str) -> str:
        """Return the hash of the commit that the ref names now; ``known`` is that of before, or "".

        Raises:
            FetchError: it cannot be had.
        """
        # GitHub takes the commit's hash for its ETag; such an answer costs nothing of the limit
        remembered = Remembered(f'"{known}"' if known else None)
        with self._explained("it has no commit yet, or no such branch, tag or commit"):
            path = f"/repos/{name}/commits/{quote(ref, safe='')}"
            fetched = self._get(f"{self._base}{path}", _SHA, remembered)
        commit = known if fetched.unchanged else fetched.text().strip()
        if not _COMMIT.fullmatch(commit):
            raise FetchError(Reason.BROKEN, "GitHub's API answers with no commit")
        return commit

    def repository(self, name: str) -> Repository:
        """Return what there is to know about ``owner/name``.

        Raises:
            FetchError: it cannot be had.
        """
        with self._explained():
            fetched = self._get(f"{self._base}/repos/{name}", _JSON)
            return Repository.model_validate_json(fetched.body)

    def repositories(self, account: str) -> Iterator[Repository]:
        """Yield the account's own repositories, forks included, page after page.

        Raises:
            FetchError: they cannot be had.
        """
        page = f"{self._base}/users/{account}/repos?type=owner&sort=full_name&per_page=100"
        for _ in range(_MOST_PAGES):
            with self._explained():
                fetched = self._get(page, _JSON)
                found = _REPOSITORIES.validate_json(fetched.body)
            yield from found
            following = _NEXT.search(fetched.headers.get("link", ""))
            if following is None:
                return
            page = following[1]
            if urlsplit(page)[:2] != urlsplit(self._base)[:2]:  # the token is not for there
                raise FetchError(Reason.BROKEN, "GitHub's API leads to a page on another host")
        raise FetchError(Reason.TOO_LARGE, "the account's list of repositories does not end")

    def tarball(self, name: str, commit: str, path: Path, max_bytes: int) -> None:
        """Fetch the repository at the commit into a file.

        Raises:
            FetchError: it cannot be had, or is larger.
            StorageError: the file cannot be written.
        """
        link = f"{self._base}/repos/{name}/tarball/{commit}"
        with self._explained():
            self._client.stream_to(
                link,
                path,
                max_bytes=max_bytes,
                seconds=_TARBALL_SECONDS,
                headers=self._headers(_JSON),
                api=True,
            )

    def _get(self, link: str, accept: str, remembered: Remembered | None = None) -> Fetched:
        headers = self._headers(accept)
        return self._client.get(link, remembered=remembered, headers=headers, api=True)

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "X-GitHub-Api-Version": _VERSION}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    @contextmanager
    def _explained(self, refused: str = "") -> Iterator[None]:
        """Tell faults in GitHub's terms; ``refused`` says what a refusal of the call means."""
        try:
            yield
        except ValidationError:
            raise FetchError(
                Reason.BROKEN, "GitHub's API answers with what is not its own"
            ) from None
        except FetchError as error:
            message = str(error)
            if error.reason is Reason.RATE_LIMITED:
                hint = "" if self._token else ", or set TWIN_GITHUB_TOKEN, which raises the limit"
                message = f"GitHub takes no more requests{when(error.until)}; come back then{hint}"
            elif error.reason is Reason.GONE:
                message += ": it is gone, or private, which takes a token in TWIN_GITHUB_TOKEN"
            elif error.reason is Reason.LOGIN_WALL:
                message = "GitHub refuses access" + (
                    "; check TWIN_GITHUB_TOKEN" if self._token else "; set TWIN_GITHUB_TOKEN"
                )
            elif error.reason is Reason.REFUSED and refused:
                message += f": {refused}"
            raise FetchError(error.reason, message, error.until) from None
