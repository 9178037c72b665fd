"""A folder's files, and what its ``.git`` tells of them, read as files: git is never run.

Running git in a folder that someone else made runs what its configuration says.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin_assets.crawlers.github.files import Entry, LeftOut
from twin_assets.crawlers.github.links import remote_name
from twin_assets.errors import BadInputError

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"refs/[\w.-]+(?:/[\w.-]+)*")
_STAT_BYTES = 40  # what git remembers of a file's state, before its hash
_MODE_AT = 24
_EXTENDED = 0x4000


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a folder's ``.git`` tells: ``owner/name`` on GitHub, the commit, the tracked paths."""

    name: str | None
    commit: str | None
    tracked: frozenset[str] | None


def read_checkout(folder: Path) -> Checkout | None:
    """Return what the folder's ``.git`` tells, or None where it has none.

    Raises:
        BadInputError: its index cannot be read.
    """
    git = folder / ".git"
    if git.is_file():  # a worktree's or a submodule's
        git = folder / _text(git).removeprefix("gitdir:").strip()
    if not git.is_dir():
        return None
    shared = _text(git / "commondir").strip()
    common = git / shared if shared else git
    commit = _commit(_text(git / "HEAD").strip(), git, common)
    index = git / "index"
    try:
        tracked = _tracked(index.read_bytes(), len(commit or "") // 2 or 20)
    except FileNotFoundError:
        tracked = None
    except (OSError, ValueError, IndexError):
        raise BadInputError(f"{index} cannot be read, so its files are not known.") from None
    return Checkout(_name_on_github(_text(common / "config")), commit, tracked)


def folder_entries(folder: Path, tracked: frozenset[str] | None) -> Iterator[Entry]:
    """Yield the folder's files, ordered; links are not followed, and ``.git`` is passed over.

    Raises:
        BadInputError: the folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        if error.filename == str(folder):
            raise BadInputError(f"The folder {folder} cannot be read: {error.strerror}.")

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if name != ".git")
        links = [name for name in folders if Path(root, name).is_symlink()]
        for name in sorted({*files, *links} - {".git"}):
            path = Path(root, name)
            relative = path.relative_to(folder).as_posix()
            try:
                status = path.lstat()
            except OSError:  # it went while the folder was read
                continue
            reason = _reason(status.st_mode)
            if tracked is not None and relative not in tracked:
                reason = LeftOut.UNTRACKED
            yield Entry(relative, status.st_size, path.read_bytes, reason)


def _reason(mode: int) -> LeftOut | None:
    if stat.S_ISLNK(mode):
        return LeftOut.LINK
    return None if stat.S_ISREG(mode) else LeftOut.DEVICE


def _text(path: Path) -> str:
    """Return the file's text, or "" where there is none."""
    try:
        return path.read_text("utf-8", "replace") if path.is_file() else ""
    except OSError:
        return ""


def _commit(head: str, git: Path, common: Path) -> str | None:
    ref = head.removeprefix("ref:").strip()
    if ref != head:
        if not _REF.fullmatch(ref) or ".." in ref:
            return None
        packed = re.search(rf"(?m)^([0-9a-f]+) {re.escape(ref)}$", _text(common / "packed-refs"))
        head = (_text(git / ref) or _text(common / ref) or (packed[1] if packed else "")).strip()
    return head if _COMMIT.fullmatch(head) else None


def _name_on_github(config: str) -> str | None:
    """Return the remote's ``owner/name``: origin's, else that of the first one on GitHub."""
    names: dict[str, str] = {}
    remote = None
    for line in config.splitlines():
        section = re.match(r"\s*\[\s*(\S+?)(?:\s+\"(.*)\")?\s*\]", line)
        if section:
            remote = section[2] if section[1].lower() == "remote" else None
            continue
        url = re.match(r"\s*url\s*=\s*\"?(.+?)\"?\s*$", line, re.IGNORECASE)
        name = remote_name(url[1]) if url and remote is not None else None
        if name and remote is not None:
            names.setdefault(remote, name)
    return names.get("origin") or next(iter(names.values()), None)


def _tracked(index: bytes, hash_bytes: int) -> frozenset[str]:
    """Return the paths in git's index.

    Raises:
        ValueError: it is not one, or breaks off.
        IndexError: the same.
    """
    version = int.from_bytes(index[4:8], "big")
    if index[:4] != b"DIRC" or version not in (2, 3, 4):
        raise ValueError
    paths: set[str] = set()
    at, name = 12, b""
    for _ in range(int.from_bytes(index[8:12], "big")):
        start = at
        at += _STAT_BYTES + hash_bytes
        flags = int.from_bytes(index[at : at + 2], "big")
        at += 4 if flags & _EXTENDED else 2
        if version == 4:  # a name is told by what it shares with the one before
            dropped, at = _varint(index, at)
            name = name[: len(name) - dropped]
        else:
            name = b""
        end = index.index(b"\0", at)
        name += index[at:end]
        at = end + 1 if version == 4 else start + (end - start + 8) // 8 * 8
        mode = int.from_bytes(index[start + _MODE_AT : start + _MODE_AT + 4], "big")
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            paths.add(os.fsdecode(name))
    return frozenset(paths)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return git's number of variable length at the offset, and the offset after it."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | (data[at] & 0x7F)
    return value, at + 1
