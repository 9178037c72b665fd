"""Files out of zip archives and unpacked folders that may be hostile; nothing is unpacked to disk.

An archive's own claims are not believed: names are checked, and bytes are counted while they are
decompressed. What cannot be read is reported by name, and costs no other file.
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from twin_assets.errors import BadInputError

_BLOCK = 64 * 1024
_DIRECTORY_BYTES = 256  # a member takes this much of a zip's directory, its name included
_RATIO_FROM = 1 << 20  # blank pages shrink to nearly nothing; only much of nothing is a bomb
_DEPTH = 4  # folders below an unpacked export; deeper ones are something else's
_NAME_LENGTH = 120

_DRIVE = re.compile(r"[A-Za-z]:")
# What zipfile and zlib raise over damaged files.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most. ``ratio`` is what a byte may become when it is decompressed."""

    members: int = 100_000
    member_bytes: int = 32 << 20
    total_bytes: int = 512 << 20
    ratio: int = 200


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive, whole. ``name`` is its path in the archive, with slashes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """A file, or a part of one, that is not read, and why; both can be shown as they are."""

    name: str
    reason: str


class _Refused(Exception):  # noqa: N818 - a verdict on one member, which never leaves this module
    """The member is not read; the message says why."""


def printable(name: str) -> str:
    """Return an archive's name for something, short and without characters that move a cursor."""
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return shown if len(shown) <= _NAME_LENGTH else shown[: _NAME_LENGTH - 1] + "…"


def names(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[str]:
    """Yield the names of the files in the archive or folder; none is opened.

    Raises:
        BadInputError: it is neither a folder nor a zip file that can be read, or holds too much.
    """
    if _is_folder(path):
        for name, _ in _files(path, limits):
            yield name
        return
    with _opened(path, limits) as archive:
        for info in _infos(archive, path, limits):
            yield info.filename


def read_members(
    path: Path, wanted: Callable[[str], bool], limits: Limits = DEFAULT_LIMITS
) -> Iterator[Member | Fault]:
    """Yield the wanted files of the archive or folder, one in memory at a time.

    Names that lead out of the archive are faults even where they are not wanted, since no platform
    writes them. No other file is opened.

    Args:
        path: a zip file, or a folder that one was unpacked to.
        wanted: tells by its name whether a file is read.
        limits: how much is read at most.

    Raises:
        BadInputError: it is neither a folder nor a zip file that can be read, or holds too much.
    """
    meter = _Meter(limits)
    if _is_folder(path):
        for name, file in _files(path, limits):
            if wanted(name):
                yield _attempt(name, partial(_read_file, file, meter))
        return
    with _opened(path, limits) as archive:
        for info in _infos(archive, path, limits):
            if _leads_out(info.orig_filename):
                yield Fault(printable(info.orig_filename), "its name leads out of the archive")
            elif wanted(info.filename):
                yield _attempt(info.filename, partial(_read_packed, archive, info, meter))


def holds(source: str, wanted: Callable[[str], bool]) -> bool:
    """Return whether the source is the path of an archive or folder with a wanted file.

    A path that ends in ``.zip`` and cannot be read counts too: crawling it then says what is wrong.
    """
    is_zip = source.lower().endswith(".zip")
    if "://" in source or not (is_zip or _is_folder(Path(source))):
        return False
    try:
        return any(map(wanted, names(Path(source))))
    except BadInputError:
        return is_zip


class _Meter:
    """Reads streams to their end, and counts what really comes out of them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._total = 0

    def read(self, stream: IO[bytes], packed: int | None = None) -> bytes:
        """Return all of the stream.

        Args:
            stream: what is read.
            packed: how many bytes it takes in the archive, where it is compressed.

        Raises:
            _Refused: there is more than the limits allow.
        """
        limits = self._limits
        data = bytearray()
        while True:
            if self._total > limits.total_bytes:
                raise _Refused(f"the files together are larger than {_size(limits.total_bytes)}")
            block = stream.read(_BLOCK)
            if not block:
                return bytes(data)
            data += block
            self._total += len(block)
            if len(data) > limits.member_bytes:
                raise _Refused(f"is larger than {_size(limits.member_bytes)}")
            if packed is not None and len(data) > max(_RATIO_FROM, limits.ratio * packed):
                raise _Refused("is a zip bomb: it grows without end when it is decompressed")


def _attempt(name: str, read: Callable[[], bytes]) -> Member | Fault:
    try:
        return Member(name, read())
    except _Refused as refusal:
        return Fault(printable(name), str(refusal))
    except OSError as error:
        return Fault(printable(name), f"cannot be read: {error.strerror or 'it is damaged'}")
    except _BROKEN:
        return Fault(printable(name), "is damaged")


def _read_packed(archive: zipfile.ZipFile, info: zipfile.ZipInfo, meter: _Meter) -> bytes:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise _Refused("is a link or a device")
    if info.flag_bits & 0x1:
        raise _Refused("is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # the others decompress a block as a whole, however large it becomes
        raise _Refused("is compressed in a way that exports are not")
    with archive.open(info) as stream:
        return meter.read(stream, info.compress_size)


def _read_file(file: Path, meter: _Meter) -> bytes:
    if not stat.S_ISREG(file.lstat().st_mode):
        raise _Refused("is a link or a device")
    with file.open("rb") as stream:
        return meter.read(stream)


class _CappedFile(io.FileIO):
    """A zip file of which no more is read at once than the directory of a sensible one takes."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise zipfile.BadZipFile
        return super().read(size) or b""


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInputError(f"{printable(str(path))} is no file.")
        file = _CappedFile(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is no path"
        raise BadInputError(f"{printable(str(path))} cannot be read: {reason}.") from None
    with file:
        file.most = max(limits.members * _DIRECTORY_BYTES, 2 * _BLOCK)
        try:
            archive = zipfile.ZipFile(file)
        except (OSError, *_BROKEN):
            raise BadInputError(
                f"{printable(str(path))} is no zip file, or a damaged one: download it again."
            ) from None
        with archive:
            yield archive


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def _infos(archive: zipfile.ZipFile, path: Path, limits: Limits) -> Iterator[zipfile.ZipInfo]:
    infos = archive.infolist()
    _check_number(len(infos), path, limits)
    for info in infos:
        if not info.is_dir() and not _is_litter(info.filename):
            yield info


def _files(root: Path, limits: Limits) -> Iterator[tuple[str, Path]]:
    """Yield name and path of the files below the folder; linked folders are not entered."""
    number = 0
    for folder, below, files in os.walk(root, onerror=_fail):
        here = Path(folder).relative_to(root)
        below[:] = sorted(below) if len(here.parts) < _DEPTH else []
        for file in sorted(files):
            number += 1
            _check_number(number, root, limits)
            name = (here / file).as_posix()
            if not _is_litter(name):
                yield name, Path(folder, file)


def _fail(error: OSError) -> None:
    name = printable(str(error.filename))
    raise BadInputError(f"{name} cannot be read: {error.strerror}.") from None


def _check_number(number: int, path: Path, limits: Limits) -> None:
    if number > limits.members:
        raise BadInputError(
            f"{printable(str(path))} holds more than {limits.members} files, as no export does."
        )


def _leads_out(name: str) -> bool:
    return (
        name.startswith("/")
        or "\\" in name
        or "\0" in name
        or ".." in name.split("/")
        or _DRIVE.match(name) is not None
    )


def _is_litter(name: str) -> bool:
    """Return whether the file is what macOS puts beside each file of an archive it makes."""
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._")


def _size(number: int) -> str:
    return f"{number >> 20} MB" if number >= 1 << 20 else f"{number} bytes"
