"""Repositories on this machine: a folder, or a tarball as GitHub packs it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.github.checkouts import folder_entries, read_checkout
from twin_assets.crawlers.github.links import is_name
from twin_assets.crawlers.github.repositories import (
    FileLink,
    Tree,
    found_in,
    links_at_commit,
    links_by_content,
)
from twin_assets.crawlers.github.tarballs import Tarball
from twin_assets.errors import BadInputError

_TARBALLS = (".tar.gz", ".tgz", ".tar")
_TOP = re.compile(r"(.+)-([0-9a-f]{7,40})")


@dataclass(frozen=True, slots=True)
class _Local:
    """A tree, and where it comes from: ``owner/name`` on GitHub, or only a folder's name."""

    tree: Tree
    folder: str
    name: str | None = None
    commit: str | None = None


class LocalRepositoryCrawler:
    """Reads a folder or a tarball; the files' links lead to GitHub where it came from there."""

    name = "repository"

    def handles(self, source: str) -> bool:
        """See :meth:`Crawler.handles`; a bare name is a folder's where there is such a folder."""
        if "://" in source or not source:
            return False
        if source.lower().endswith(_TARBALLS):
            return True
        path = _path(source)
        try:
            named = source.startswith(("/", "~", ".")) and not path.suffix
            return path.is_dir() or (named and not path.is_file())
        except OSError:  # a name that no folder can have
            return False

    def crawl(self, task: Task) -> Iterator[Found]:
        """See :meth:`Crawler.crawl`."""
        path = _path(task.source)
        is_tarball = path.name.lower().endswith(_TARBALLS) and not path.is_dir()
        local = _tarball(path) if is_tarball else _folder(path)
        links: FileLink
        if local.name and local.commit:
            links, platform = links_at_commit(local.name, local.commit, task), "github"
        else:
            links, platform = links_by_content(local.folder), "repository"
        yield found_in(local.tree, task, task.source, links, platform)


def _path(source: str) -> Path:
    try:
        return Path(source).expanduser()
    except RuntimeError:  # no such user
        return Path(source)


def _folder(path: Path) -> _Local:
    if not path.is_dir():
        raise BadInputError(f"There is no folder {path}.")
    folder = path.resolve().name or "root"
    checkout = read_checkout(path)
    if checkout is None:
        return _Local(lambda: folder_entries(path, None), folder)
    tracked = checkout.tracked
    return _Local(lambda: folder_entries(path, tracked), folder, checkout.name, checkout.commit)


def _tarball(path: Path) -> _Local:
    if not path.is_file():
        raise BadInputError(f"There is no tarball {path}.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInputError(f"The tarball {path} cannot be read: {error.strerror}.") from None
    tarball = Tarball(file, f"The tarball {path}")
    top = _TOP.fullmatch(tarball.top or "")
    if top is None:
        folder = tarball.top or path.name.lower().removesuffix(".gz").rpartition(".")[0]
        return _Local(tarball.entries, folder)
    joined, commit = top.groups()
    if tarball.commit and tarball.commit.startswith(commit):
        commit = tarball.commit
    return _Local(tarball.entries, joined, _name(joined, tarball.names), commit)


def _name(joined: str, names: set[str]) -> str | None:
    """Return ``owner/name`` of what GitHub joins as ``owner-name``.

    Where both could hold a hyphen, it is the one that the repository's own files speak of.
    """
    at = [mark.start() for mark in re.finditer("-", joined)]
    pairs = [(joined[:cut], joined[cut + 1 :]) for cut in at]
    possible = [f"{owner}/{name}" for owner, name in pairs if is_name(owner) and is_name(name)]
    if len(possible) == 1:
        return possible[0]
    return next((name for name in possible if name.lower() in names), None)
