"""A repository's tarball, read as a stream: nothing in it is ever written to the disk."""

import gzip
import os
import re
import tarfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NoReturn

from twin_assets.crawlers.github.files import Entry, LeftOut, is_safe
from twin_assets.errors import BadInputError

# Linux, with 90,000 files and 1.5 GiB, is among the largest; code packs to a fifth, seldom to less
# than a twentieth.
MOST_UNPACKED = 2 * 1024**3
_MOST_RATIO = 200
_ALWAYS_ALLOWED = 64 * 1024**2  # a small tarball may well be one long run of the same
MOST_MEMBERS = 200_000
# A member's headers are held in memory whole, and a path has 4,096 bytes at most.
_MOST_HEADERS = 256 * 1024
_BLOCK = tarfile.RECORDSIZE  # what tarfile reads ahead
_GZIP = b"\x1f\x8b"

# Files at the top that tell where the repository lives, and how they do.
_ABOUT = re.compile(
    r"(?i)readme(?:\..*)?|pyproject\.toml|setup\.(?:py|cfg)|package\.json|cargo\.toml|go\.mod"
)
_MOST_ABOUT = 128 * 1024
_ON_GITHUB = re.compile(rb"(?i)github\.com[/:]([a-z\d_-]+/[\w.-]*\w)")

_BROKEN = (
    tarfile.TarError,
    OSError,  # gzip's, for a wrong checksum or no gzip at all
    EOFError,
    zlib.error,
    ValueError,
    OverflowError,
    RecursionError,  # headers upon headers
)


class Tarball:
    """The files of a tarball, in bounded memory.

    Attributes:
        top: the one folder that everything stands in, or None. Paths are below it.
        commit: the commit that ``git archive`` notes in the tarball's first header, or None.
        names: repositories on GitHub, as ``owner/name``, that files at the top speak of.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Look through the whole tarball once.

        Args:
            file: closed when the tarball is no longer used.
            name: what error messages call it.

        Raises:
            BadInputError: it is no tarball, is broken, or unpacks to more than may be.
        """
        self._file = file
        self._name = name
        weakref.finalize(self, file.close)
        size = file.seek(0, os.SEEK_END)
        self._most = min(MOST_UNPACKED, max(_ALWAYS_ALLOWED, _MOST_RATIO * size))
        self.commit: str | None = None
        self.names: set[str] = set()
        tops: set[str | None] = set()
        for tar, member in self._members():
            self.commit = tar.pax_headers.get("comment")
            parts = _path(member).split("/")
            if not is_safe(_path(member)):
                continue
            tops.add(parts[0] if member.isdir() or len(parts) > 1 else None)
            about = len(parts) == 2 and _ABOUT.fullmatch(parts[1]) is not None
            if about and member.isfile() and member.size <= _MOST_ABOUT:
                mentions = _ON_GITHUB.findall(self._read(tar, member))
                self.names |= {name.decode().lower().removesuffix(".git") for name in mentions}
        self.top = tops.pop() if len(tops) == 1 else None

    def entries(self) -> Iterator[Entry]:
        """Yield the files; each can be read only until the next one is asked for.

        Raises:
            BadInputError: as when it was opened; also from an entry's ``read``.
        """
        prefix = f"{self.top}/" if self.top else ""
        for tar, member in self._members():
            if not member.isdir():
                yield Entry(
                    _path(member).removeprefix(prefix),
                    member.size,
                    lambda tar=tar, member=member: self._read(tar, member),  # type: ignore[misc]
                    _reason(member),
                )

    def _members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        with self._faults():
            self._file.seek(0)
            packed = self._file.read(len(_GZIP)) == _GZIP
            self._file.seek(0)
            stream = gzip.GzipFile(fileobj=self._file) if packed else self._file
            bounded = _Bounded(stream, self._most, self._name)
            number = 0
            with tarfile.open(fileobj=bounded, mode="r|", bufsize=_BLOCK) as tar:  # type: ignore[call-overload]
                while (member := tar.next()) is not None:
                    number += 1
                    if number > MOST_MEMBERS:
                        raise BadInputError(f"{self._name} holds more than {MOST_MEMBERS:,} files.")
                    tar.members.clear()  # it would keep them all
                    bounded.expect(tar.offset)
                    yield tar, member
                bounded.finish(tar.offset)
            if number == 0:
                raise BadInputError(f"{self._name} holds no file.")

    def _read(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
        with self._faults():
            file = tar.extractfile(member)
            return file.read() if file is not None else b""

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise BadInputError(
                f"{self._name} is no tarball, or is broken ({type(error).__name__})."
            ) from None


class _Bounded:
    """An unpacked stream that ends in an error rather than go on without end, or break off."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, most: int, name: str) -> None:
        self._stream = stream
        self._name = name
        self._most = most
        self._next_header = 0
        self._count = 0
        self._last = b""

    def expect(self, offset: int) -> None:
        """Say where the next member's headers begin."""
        if offset > self._most:  # tarfile would go there, even where nothing is any more
            self._refuse()
        self._next_header = offset

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._count += len(data)
        self._last = data or self._last
        if self._count > self._most:
            self._refuse()
        if self._count > self._next_header + _MOST_HEADERS + _BLOCK:
            raise BadInputError(f"{self._name} has a file name or header of unreasonable length.")
        return data

    def finish(self, offset: int) -> None:
        """Read to the end, where gzip keeps its checksum; the tarball's own end is at the offset.

        tarfile takes a broken header for the end, and the files after it would pass for deleted.
        """
        start = offset - (self._count - len(self._last))
        if start < 0 or self._last[start : start + tarfile.BLOCKSIZE] != bytes(tarfile.BLOCKSIZE):
            raise EOFError
        self._next_header = self._most
        while self.read(_BLOCK):
            pass

    def _refuse(self) -> NoReturn:
        raise BadInputError(
            f"{self._name} unpacks to more than {self._most // 1024**2:,} MiB, which is taken for "
            "a bomb."
        )


def _path(member: tarfile.TarInfo) -> str:
    """Return the name without the ``./`` that ``tar c .`` begins it with."""
    return member.name.removeprefix("./")


def _reason(member: tarfile.TarInfo) -> LeftOut | None:
    if member.issym() or member.islnk():
        return LeftOut.LINK
    return None if member.isfile() else LeftOut.DEVICE
