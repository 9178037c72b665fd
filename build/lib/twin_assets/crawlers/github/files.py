"""Which files of a repository count: those that a person wrote to be read, each as text."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from twin_assets.crawlers.github.notebooks import notebook_text

# The largest handwritten files are a few hundred KiB; what is larger is data or generated, and
# would fill the index with one file's chunks.
MOST_BYTES = 512 * 1024
# A notebook carries its outputs, pictures included; only its cells' text has to fit the above.
MOST_NOTEBOOK_BYTES = 16 * 1024 * 1024


class LeftOut(StrEnum):
    """Why a file does not count."""

    LINK = "links"
    DEVICE = "devices"
    NAME = "unsafe names"
    TWICE = "named twice"
    UNTRACKED = "untracked"
    VENDORED = "vendored"
    LOCK = "lock"
    LICENCE = "licence"
    SECRET = "secret"  # noqa: S105  a reason, not a password
    DATA = "data"
    MINIFIED = "minified"
    GENERATED = "generated"
    HUGE = "huge"
    BINARY = "binary"
    EMPTY = "empty"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree: its path below the tree's top, its size, and how to read it.

    ``left_out`` is set where the tree itself says why the file does not count. ``read`` raises
    OSError where the file cannot be read.
    """

    path: str
    size: int
    read: Callable[[], bytes]
    left_out: LeftOut | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that counts, its text exactly as written (a notebook's is made from its cells)."""

    path: str
    text: str


# Names in small letters, whole.
_VENDORED = re.compile(
    r"\.git|\.hg|\.svn|\.?venv|\.tox|\.nox|__pycache__|site-packages|node_modules|bower_components"
    r"|jspm_packages|vendors?|third[-_]?party|dist|build|\.next|\.nuxt|\.gradle|pods|carthage"
    r"|\.(?:mypy|pytest|ruff)_cache|\.ipynb_checkpoints"
)
_NAMES = {
    LeftOut.LOCK: re.compile(
        r".+\.lock|bun\.lockb|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml"
        r"|conda-lock\.yml|go(?:\.work)?\.sum|packages\.lock\.json|gradle\.lockfile"
        r"|package\.resolved|\.terraform\.lock\.hcl"
    ),
    LeftOut.LICENCE: re.compile(
        r"(?:(?:un)?licen[sc]es?|copying|patents|third[-_]?party[-_]?notices?)"
        r"(?:[-_](?:[a-z]+|[a-z]*[\d.]+))*(?:\.(?:md|txt|rst|html|lesser))?"
    ),
    LeftOut.SECRET: re.compile(
        r"\.env(?:\.(?!example|sample|template|dist)[^.]+)?|\.netrc|\.pypirc|\.npmrc"
        r"|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:pem|key|p12|pfx)"
    ),
    LeftOut.MINIFIED: re.compile(
        r".+[.-]min\.(?:js|mjs|cjs|css)|.+\.bundle\.js|.+\.(?:js|mjs|cjs|css|ts)\.map"
    ),
    LeftOut.GENERATED: re.compile(
        r".+\.pb\.(?:go|cc|h|swift)|.+_pb2(?:_grpc)?\.pyi?|.+_pb\.(?:js|ts)|.+[._]generated\.\w+"
        r"|.+\.(?:g|gen)\.(?:dart|cs|go|ts)|.+\.freezed\.dart|.+\.designer\.cs|zz_generated.+"
    ),
    LeftOut.DATA: re.compile(
        r".+\.(?:csv|tsv|jsonl|ndjson|geojson|parquet|arrow|feather|pkl|np[yz]|h5|log|svg|db"
        r"|sqlite3?)"
    ),
}
# A configuration is short; a longer file in one of these formats is data.
_MARKUP = {".json", ".xml", ".yaml", ".yml", ".plist"}
_MOST_MARKUP_BYTES = 64 * 1024
_LFS_POINTER = "version https://git-lfs.github.com/spec/"
_SCRIPTS = {".js", ".mjs", ".cjs", ".css"}
# People break the lines of scripts and style sheets at 80 to 120 characters, and few are full.
_MOST_MEAN_LINE = 110
_HEAD_LINES = 20
_COMMENT = re.compile(r"\s*(?://|#|/?\*|--|;|%|<!--|\"\"\"|''')(.*)")
_MARK = re.compile(
    r"(?i)(?:^|\s)@generated\b|\bgenerated\b.*\bdo not (?:edit|modify|change)\b"
    r"|\bdo not (?:edit|modify|change)\b.*\bgenerated\b"
)
_LONGEST_PATH = 4096  # Linux's own limit
_PROSE = {".md", ".markdown", ".mdx", ".rst", ".txt"}


def source_files(entries: Iterable[Entry], left_out: Counter[LeftOut]) -> Iterator[SourceFile]:
    """Yield the files that count, in order, and count the others by reason into ``left_out``.

    A file is read only where its name and size speak for it, and one is held at a time.
    """
    seen: set[str] = set()
    for entry in entries:
        reason = entry.left_out or _reason_by_name(entry)
        if reason is None and entry.path in seen:
            reason = LeftOut.TWICE
        if reason is None:
            seen.add(entry.path)
            found = _read(entry)
            if isinstance(found, SourceFile):
                yield found
                continue
            reason = found
        left_out[reason] += 1


def describe(kept: int, left_out: Counter[LeftOut]) -> str:
    """Return the counts in words: ``"212 files; left out: 3 lock, 14 vendored"``."""
    files = f"{kept} file" if kept == 1 else f"{kept} files"
    reasons = ", ".join(f"{left_out[reason]} {reason}" for reason in LeftOut if left_out[reason])
    return f"{files}; left out: {reasons}" if reasons else files


def is_safe(path: str) -> bool:
    """Tell whether the path stays in its folder, on every system, and can be stored."""
    parts = path.split("/")
    if len(path) > _LONGEST_PATH or parts[0][1:2] == ":" or not {"", ".", ".."}.isdisjoint(parts):
        return False
    # a name that is not UTF-8 comes with surrogates
    return not any(c in "\\\0" or "\ud800" <= c <= "\udfff" for c in path)


def _reason_by_name(entry: Entry) -> LeftOut | None:
    if not is_safe(entry.path):
        return LeftOut.NAME
    *folders, name = entry.path.casefold().split("/")
    if any(map(_VENDORED.fullmatch, folders)):
        return LeftOut.VENDORED
    reason = next((reason for reason, names in _NAMES.items() if names.fullmatch(name)), None)
    suffix = PurePosixPath(name).suffix
    if reason is None and suffix in _MARKUP and entry.size > _MOST_MARKUP_BYTES:
        reason = LeftOut.DATA
    if reason is None and entry.size > (MOST_NOTEBOOK_BYTES if suffix == ".ipynb" else MOST_BYTES):
        reason = LeftOut.HUGE
    return reason


def _read(entry: Entry) -> SourceFile | LeftOut:
    """Return the file with its text, or what its content says against it."""
    try:
        text = entry.read().decode("utf-8")
    except OSError:
        return LeftOut.UNREADABLE
    except UnicodeDecodeError:
        return LeftOut.BINARY
    suffix = PurePosixPath(entry.path).suffix.lower()
    if suffix == ".ipynb":
        cells = notebook_text(text)
        if cells is None:
            return LeftOut.UNREADABLE
        text = cells
    return _reason_by_text(text, suffix) or SourceFile(entry.path, text)


def _reason_by_text(text: str, suffix: str) -> LeftOut | None:
    reason = None
    if "\0" in text:
        reason = LeftOut.BINARY
    elif not text.strip("\ufeff \t\r\n"):
        reason = LeftOut.EMPTY
    elif text.startswith(_LFS_POINTER):
        reason = LeftOut.DATA
    elif len(text.encode()) > MOST_BYTES:
        reason = LeftOut.HUGE
    elif suffix in _SCRIPTS and len(text) / (text.rstrip().count("\n") + 1) > _MOST_MEAN_LINE:
        reason = LeftOut.MINIFIED
    elif suffix not in _PROSE and _says_generated(text):
        reason = LeftOut.GENERATED
    return reason


def _says_generated(text: str) -> bool:
    """Tell whether the comments at the file's head say that a program wrote it."""
    head = text[:8000].splitlines()[:_HEAD_LINES]
    comments = filter(None, map(_COMMENT.match, head))
    return _MARK.search(" ".join(comment[1].strip() for comment in comments)) is not None
