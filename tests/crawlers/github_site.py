"""Tarballs as GitHub packs them, and a site with the shape of its API."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from builders import ADA
from webserver import Answer, Seen, WebServer, redirect

from twin_assets.crawlers.crawl import crawl_author
from twin_assets.crawlers.found import Crawler
from twin_assets.documents import Visit
from twin_assets.raw_store import RawStore

FIRST, SECOND = "1" * 40, "2" * 40


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field_name, value in fields.items():
        setattr(info, field_name, value)
    return info, data


def tarball(
    members: Iterable[tuple[tarfile.TarInfo, bytes]], *, commit: str | None = None
) -> bytes:
    packed = io.BytesIO()
    headers = {"comment": commit} if commit else {}
    with tarfile.open(
        fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def packed(name: str, commit: str, files: Mapping[str, str]) -> bytes:
    """Return the repository's tarball, as ``git archive`` makes it."""
    top = f"{name.replace('/', '-')}-{commit[:7]}"
    members = [member(f"{top}/", type=tarfile.DIRTYPE)]
    members += [member(f"{top}/{path}", text.encode()) for path, text in files.items()]
    return tarball(members, commit=commit)


def unpacked(data: bytes) -> bytes:
    return gzip.decompress(data)


@dataclass
class GitHubSite:
    """Accounts and repositories; a commit replaces the one before it."""

    api: WebServer
    codeload: WebServer

    def commit(self, name: str, commit: str, files: Mapping[str, str], ref: str = "HEAD") -> None:
        """Let the repository stand at the commit, with these files."""
        self.serve(name, commit, packed(name, commit, files), ref)

    def serve(self, name: str, commit: str, packed: bytes, ref: str = "HEAD") -> None:
        """Let the repository stand at the commit, and its tarball be this one."""
        sha = Answer(commit, type="application/vnd.github.sha", headers={"ETag": f'"{commit}"'})
        link = f"https://codeload.github.com/{name}/legacy.tar.gz/{commit}?token=signed"
        self.api.add(f"/repos/{name}/commits/{ref}", sha)
        self.api.add(f"/repos/{name}", self.json(self.about(name)))
        self.api.add(f"/repos/{name}/tarball/{commit}", redirect(link))
        target = link.removeprefix("https://codeload.github.com")
        self.codeload.add(target, Answer(packed, type="application/x-gzip"))

    def answer(self, target: str, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Let the API answer so."""
        body = json.dumps({"message": "no"})
        self.api.add(target, Answer(body, status, "application/json", headers or {}))

    def account(self, account: str, *repositories: dict[str, object], pages: int = 1) -> None:
        """List the account's repositories, spread over so many pages."""
        first = f"/users/{account}/repos?type=owner&sort=full_name&per_page=100"
        for page in range(pages):
            target = first if page == 0 else f"{first}&page={page + 1}"
            headers = {}
            if page + 1 < pages:
                headers["Link"] = (
                    f'<https://api.github.com{first}&page={pages}>; rel="last", '
                    f'<https://api.github.com{first}&page={page + 2}>; rel="next"'
                )
            self.api.add(target, self.json(repositories[page::pages], headers))

    @staticmethod
    def about(name: str, **facts: object) -> dict[str, object]:
        return {
            "full_name": name,
            "fork": False,
            "archived": False,
            "size": 12,
            "default_branch": "main",
            "pushed_at": "2026-01-01T00:00:00Z",
        } | facts

    @staticmethod
    def json(value: object, headers: Mapping[str, str] | None = None) -> Answer:
        return Answer(json.dumps(value), type="application/json", headers=headers or {})

    def seen(self) -> list[Seen]:
        return [*self.api.requests, *self.codeload.requests]


def crawled(store: RawStore, crawler: Crawler, sources: Sequence[str]) -> dict[str, Visit]:
    """Crawl the sources of an author into the store, and return the visits by link."""
    author = replace(ADA, sources=tuple(sources))
    store.put_author(author)
    return {visit.link: visit for visit in crawl_author(author, store, [crawler])}
